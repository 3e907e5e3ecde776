// What an answer is held to: a schema, a grammar, or a call of a tool.
#pragma once

#include <memory>

#include "core/result.h"
#include "serve/api/chat_request.h"
#include "text/grammar/token_grammar.h"

namespace troika::serve {

/// The grammar of an answer to `request`, behind its reasoning where that is open; null: it is
/// free. Errors: invalid_argument — a schema or a grammar that cannot be followed; unsupported — a
/// call is wanted of a model whose calls are not known as a grammar.
Result<std::shared_ptr<const TokenGrammar>> chat_grammar(const ServedModel& model,
                                                         const ChatRequest& request,
                                                         const ChatPrompt& prompt);

}  // namespace troika::serve
