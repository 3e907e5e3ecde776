// The tokens of a model as a grammar sees them: the bytes that each adds to a text, in a tree that
// visits equal beginnings once. Made once for a model and shared by all its grammars.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/ids.h"
#include "core/result.h"

namespace troika {

class Tokenizer;

/// One bit for each token, token 0 the lowest bit of the first word.
using TokenBits = std::vector<uint64_t>;

/// Immutable: every method is const and safe from many threads at once.
class GrammarVocabulary {
 public:
  /// The tokens of `tokenizer`, which need not outlive this. A control token adds nothing to a text
  /// and no grammar allows it by its text, but for those in `shown` (the markers of tool calls):
  /// they count by their text.
  static std::shared_ptr<const GrammarVocabulary> make(const Tokenizer& tokenizer,
                                                       std::span<const TokenId> shown = {});

  /// Tokens that add these `bytes`; `end_tokens` end a text and add nothing. Without names.
  static std::shared_ptr<const GrammarVocabulary> make(std::vector<std::string> bytes,
                                                       std::span<const TokenId> end_tokens);

  int64_t tokens() const { return std::ssize(bytes_); }
  bool has(TokenId id) const {
    return static_cast<int32_t>(id) >= 0 && static_cast<int64_t>(id) < tokens();
  }

  /// Of a token that exists: what it adds to a text; nothing for one that ends it.
  std::string_view bytes(TokenId id) const { return bytes_[static_cast<size_t>(id)]; }
  bool ends_text(TokenId id) const;

  /// The token whose text in the model's file is `text`.
  std::optional<TokenId> find(std::string_view text) const;

  /// A byte of some tokens, with all that go on after it in [this + 1, end). `depth`: bytes before
  /// it. `token`: the last of those that end with it, or -1; see same_bytes().
  struct Node {
    int32_t end = 0;
    int32_t token = -1;
    uint16_t depth = 0;
    uint8_t byte = 0;
  };
  /// In the order in which a walk that visits children first comes by.
  std::span<const Node> nodes() const { return nodes_; }

  /// The token before `token` with the same bytes, or -1.
  int32_t same_bytes(int32_t token) const { return same_bytes_[static_cast<size_t>(token)]; }

  /// Tokens that end a text; those that neither end it nor add anything; all but those that end it.
  const TokenBits& end_tokens() const { return end_tokens_; }
  const TokenBits& silent_tokens() const { return silent_tokens_; }
  const TokenBits& other_tokens() const { return other_tokens_; }

  /// Tokens of more bytes are not allowed by any grammar.
  static constexpr size_t kTokenBytesMax = 1024;

 private:
  GrammarVocabulary() = default;
  void sort_out(std::span<const TokenId> end_tokens);
  void plant();

  std::vector<std::string> bytes_;
  std::unordered_map<std::string, int32_t> by_text_;  // of tokens whose text is no plain bytes
  std::vector<Node> nodes_;
  std::vector<int32_t> same_bytes_;
  TokenBits end_tokens_, silent_tokens_, other_tokens_;
};

/// Whether bit `token` is set; bits beyond the end are not.
inline bool has_bit(const TokenBits& bits, TokenId token) {
  const auto index = static_cast<uint32_t>(token);
  return index / 64 < bits.size() && (bits[index / 64] >> (index % 64) & 1) != 0;
}

inline void set_bit(TokenBits& bits, int32_t token) {
  bits[static_cast<uint32_t>(token) / 64] |= uint64_t{1} << (static_cast<uint32_t>(token) % 64);
}

}  // namespace troika
