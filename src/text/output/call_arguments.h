// The arguments of one tool's calls as a grammar; see call_grammar.h.
#pragma once

#include "core/result.h"
#include "text/grammar/grammar.h"
#include "text/output/call_grammar.h"
#include "text/output/tool_syntax.h"

namespace troika {

/// All arguments of `tool` in the style of `syntax`, up to where a CallForm goes on.
/// Errors: see add_calls().
Result<grammar::ExprId> add_call_arguments(grammar::Grammar& grammar, const ToolSyntax& syntax,
                                           const CallTool& tool);

/// A line end, or none.
grammar::ExprId add_line_end(grammar::Grammar& grammar);

}  // namespace troika
