// Readers of the heads of calls; see ToolSyntax.
#pragma once

#include "text/output/tool_syntax.h"

namespace troika {

/// {"name": N, "arguments": T, ...} in any order, behind an opener; or a list of them.
bool object_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
/// The next of such a list: a comma and an object.
bool next_object_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
/// {N: T} behind an opener and a bracket, and the next of a list.
bool keyed_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
bool next_keyed_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
/// A known tool's object as a message of its own; <|python_tag|> and a call or code.
bool llama3_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
bool next_llama3_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
/// [TOOL_CALLS] and any of the three forms that came after it.
bool mistral_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
/// <｜tool▁call▁begin｜>function<｜tool▁sep｜>N, or N<｜tool▁sep｜>.
bool deepseek_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
/// <|tool_call_begin|>functions.N:I<|tool_call_argument_begin|>.
bool kimi_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
/// [an opener] <function=N>; without the opener N must be known. T or elements follow.
bool function_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
/// <tool_call>N, then a key or the end.
bool glm_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
/// [an opener] <...invoke name="N">.
bool invoke_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
/// <|tool_call>call:N.
bool gemma_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
/// <|tool_call_start|>[N( and the next of the list.
bool python_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);
bool next_python_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head);

}  // namespace troika
