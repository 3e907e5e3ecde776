// What an answer is held to: a schema, a grammar, or a call of a tool.
#pragma once

#include <memory>

#include "core/result.h"
#include "serve/api/chat_request.h"
#include "text/grammar/token_grammar.h"

namespace troika::serve {

/// The grammar of an answer to `request`, behind its reasoning; null: it is free. Under tool_choice
/// auto text is free, and what stands behind the mark of a call is held to the tools.
/// Errors: invalid_argument — a schema or a grammar that cannot be followed; unsupported — a call
/// is wanted of a model whose template has none. Kept for `tenant` (serve/api/grammar_cache.h).
Result<std::shared_ptr<const TokenGrammar>> chat_grammar(const ServedModel& model, TenantId tenant,
                                                         const ChatRequest& request,
                                                         const ChatPrompt& prompt);

}  // namespace troika::serve
