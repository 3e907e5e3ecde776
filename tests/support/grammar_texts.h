// Texts held against grammars, with a vocabulary of single bytes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/token_grammar.h"

namespace troika::testing {

inline constexpr TokenId kEndToken{256};
inline constexpr TokenId kSilentToken{257};

/// Token n is byte n; then one that ends a text, one that prints nothing, and `words`.
inline std::shared_ptr<const GrammarVocabulary> byte_vocabulary(
    const std::vector<std::string>& words = {}) {
  std::vector<std::string> bytes;
  for (int byte = 0; byte < 256; byte++) bytes.emplace_back(1, static_cast<char>(byte));
  bytes.resize(258);
  bytes.insert(bytes.end(), words.begin(), words.end());
  return GrammarVocabulary::make(std::move(bytes), std::vector{kEndToken});
}

inline TokenId byte_token(char c) {
  return TokenId{static_cast<unsigned char>(c)};
}

/// Where `grammar` stands after `text`; nothing where it does not allow it. Fails the test where
/// accept() and allowed() disagree.
inline std::optional<GrammarState> state_after(std::shared_ptr<const TokenGrammar> grammar,
                                               std::string_view text) {
  GrammarState state(std::move(grammar));
  for (const char c : text) {
    const bool allowed = has_bit(*state.allowed(), byte_token(c));
    EXPECT_EQ(state.accept(byte_token(c)), allowed) << text;
    if (!allowed) return std::nullopt;
  }
  return state;
}

inline bool begins(const std::shared_ptr<const TokenGrammar>& grammar, std::string_view text) {
  return state_after(grammar, text).has_value();
}

inline bool matches(const std::shared_ptr<const TokenGrammar>& grammar, std::string_view text) {
  const std::optional<GrammarState> state = state_after(grammar, text);
  if (!state) return false;
  EXPECT_EQ(state->can_end(), has_bit(*state->allowed(), kEndToken)) << text;
  return state->can_end();
}

/// The tokens of `bits`.
inline std::vector<TokenId> tokens_of(const TokenBits& bits) {
  std::vector<TokenId> tokens;
  for (int32_t id = 0; id < static_cast<int32_t>(64 * bits.size()); id++)
    if (has_bit(bits, TokenId{id})) tokens.push_back(TokenId{id});
  return tokens;
}

}  // namespace troika::testing
