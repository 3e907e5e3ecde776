// A short walk through a grammar, for fuzz targets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/check.h"
#include "text/grammar/token_grammar.h"

namespace troika {

/// All bytes, a token that ends a text, one that prints nothing, and some longer ones.
inline const std::shared_ptr<const GrammarVocabulary>& walk_vocabulary() {
  static const auto vocabulary = [] {
    std::vector<std::string> bytes;
    for (int byte = 0; byte < 256; byte++) bytes.emplace_back(1, static_cast<char>(byte));
    for (const char* word : {"", "", "ab", "{\"", "\": ", "}}", "\xC3\xA4", "\xE2\x82", "0000"})
      bytes.emplace_back(word);
    return GrammarVocabulary::make(std::move(bytes), std::vector{TokenId{256}});
  }();
  return vocabulary;
}

/// Writes a text of at most `tokens_max` tokens; gives it back where it ended.
inline std::optional<std::string> walk(const Result<std::shared_ptr<const TokenGrammar>>& grammar,
                                       size_t seed, int tokens_max = 40) {
  if (!grammar.ok()) {
    TROIKA_CHECK(!grammar.error().message().empty());
    return std::nullopt;
  }
  GrammarState state(*grammar);
  std::string text;
  uint64_t random = seed + 1;
  for (int i = 0; i < tokens_max; i++) {
    const auto allowed = state.allowed();
    std::vector<TokenId> tokens;
    for (int32_t id = 0; id < (*grammar)->vocabulary().tokens(); id++)
      if (has_bit(*allowed, TokenId{id})) tokens.push_back(TokenId{id});
    if (tokens.empty()) return std::nullopt;
    random = random * 6364136223846793005 + 1442695040888963407;
    const TokenId token = tokens[(random >> 33) % tokens.size()];
    GrammarState refused = state;
    const TokenId other{static_cast<int32_t>((random >> 20) % 256)};
    TROIKA_CHECK(refused.accept(other) == has_bit(*allowed, other));
    if ((*grammar)->vocabulary().ends_text(token)) return text;
    TROIKA_CHECK(state.accept(token));
    text += (*grammar)->vocabulary().bytes(token);
  }
  return std::nullopt;
}

}  // namespace troika
