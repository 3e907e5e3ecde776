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
                                               const ServedModel& model, size_t count_max);

/// Tokens of a text with what begins texts. Refused, unread: one that no context could hold.
std::vector<TokenId> encode_prompt(Fields& fields, std::string_view name, const ServedModel& model,
                                   std::string_view text);

/// Refuses a text that no context could hold, before it is read.
void check_bytes(Fields& fields, std::string_view name, const ServedModel& model,
                 std::string_view text);

/// One list of token ids. Refused: anything else.
std::vector<TokenId> read_tokens(Fields& fields, std::string_view name, const Json& list,
                                 const Tokenizer& tokenizer);

/// Refuses prompts that leave no room for a token in the context, as OpenAI does.
void check_context(Fields& fields, std::string_view name, const ServedModel& model,
                   const std::vector<std::vector<TokenId>>& prompts);

}  // namespace troika::serve
