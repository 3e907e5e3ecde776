// Calls as a grammar: names and arguments that the tools' schemas allow, written as models of a
// family write them, so that the parser of that family reads them again. Both come from the same
// row of tool_syntax.cc.
//
// Arguments are held to the schema as text/grammar/json_schema.h says; where a format has them one
// by one (as elements, or as Python has them), parameters come in the order of the schema.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "text/grammar/grammar.h"
#include "text/output/output_format.h"
#include "text/output/output_tools.h"

namespace troika {

/// A tool that may be called.
struct CallTool {
  OutputTool tool;         // as the parser of the answer has it
  std::string parameters;  // their JSON schema; empty: any
};

/// Whether models of the family mark calls so that they cannot be taken for text.
bool marks_calls(OutputFamily family);

/// Between one and `calls_max` calls of `tools`.
/// @param generation_prompt  how the prompt ended, which may have begun the call.
/// Errors: unsupported — the format has no calls, or cannot write a name or a parameter;
/// invalid_argument — a schema that cannot be followed. The grammar is of no more use then.
Result<grammar::ExprId> add_calls(grammar::Grammar& grammar, const OutputFormat& format,
                                  std::span<const CallTool> tools, int64_t calls_max,
                                  std::string_view generation_prompt);

/// Text that may be anything and may end anywhere, but that where it marks a call, one of `tools`
/// follows. `several`: text and calls may go on behind it. For families that mark calls.
/// Errors: as above.
Result<grammar::ExprId> add_text_with_calls(grammar::Grammar& grammar, const OutputFormat& format,
                                            std::span<const CallTool> tools, bool several);

struct ReasoningGrammar {
  bool may_end = false;  // the whole text may end in the reasoning
  bool final = false;    // what follows is the answer, which in harmony has a header of its own
};

/// What may stand before an answer's content: the rest of reasoning that the prompt left open; or
/// reasoning with its tags, or nothing.
grammar::ExprId add_reasoning(grammar::Grammar& grammar, const OutputFormat& format,
                              std::string_view generation_prompt, ReasoningGrammar options);

}  // namespace troika
