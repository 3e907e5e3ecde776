// From what a request says to prompts in tokens.
#pragma once

#include <optional>
#include <vector>

#include "serve/api/fields.h"
#include "serve/api/served_model.h"

namespace troika::serve {

/// The prompts of a text or several: a string, a list of strings, a list of ids, a list of lists of
/// ids. Refused: anything else, none, more than `count_max`, ids that are no tokens.
std::vector<std::vector<TokenId>> read_prompts(Fields& fields, std::string_view name,
                                               const Tokenizer& tokenizer, size_t count_max);

/// One list of token ids. Refused: anything else.
std::vector<TokenId> read_tokens(Fields& fields, std::string_view name, const Json& list,
                                 const Tokenizer& tokenizer);

/// Refuses prompts that leave no room for a token in the context, as OpenAI does.
void check_context(Fields& fields, std::string_view name, const ServedModel& model,
                   const std::vector<std::vector<TokenId>>& prompts);

}  // namespace troika::serve
