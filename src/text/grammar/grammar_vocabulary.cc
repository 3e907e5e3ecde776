#include "text/grammar/grammar_vocabulary.h"

#include <algorithm>
#include <numeric>

#include "text/tokenizer.h"

namespace troika {

std::shared_ptr<const GrammarVocabulary> GrammarVocabulary::make(const Tokenizer& tokenizer,
                                                                 std::span<const TokenId> shown) {
  std::shared_ptr<GrammarVocabulary> made(new GrammarVocabulary());
  made->bytes_.resize(static_cast<size_t>(tokenizer.vocab()));
  for (int32_t id = 0; id < tokenizer.vocab(); id++) {
    const TokenId token{id};
    const bool show = std::ranges::find(shown, token) != shown.end();
    made->bytes_[static_cast<size_t>(id)] = tokenizer.piece(token, show);
    const TokenType type = tokenizer.token_type(token);
    if (type != TokenType::normal && type != TokenType::byte)
      made->by_text_.emplace(tokenizer.token_text(token), id);
  }
  made->sort_out(tokenizer.end_of_generation_ids());
  return made;
}

std::shared_ptr<const GrammarVocabulary> GrammarVocabulary::make(
    std::vector<std::string> bytes, std::span<const TokenId> end_tokens) {
  std::shared_ptr<GrammarVocabulary> made(new GrammarVocabulary());
  made->bytes_ = std::move(bytes);
  made->sort_out(end_tokens);
  return made;
}

bool GrammarVocabulary::ends_text(TokenId id) const {
  return has_bit(end_tokens_, id);
}

std::optional<TokenId> GrammarVocabulary::find(std::string_view text) const {
  const auto found = by_text_.find(std::string(text));
  if (found != by_text_.end()) return TokenId{found->second};
  return std::nullopt;
}

void GrammarVocabulary::sort_out(std::span<const TokenId> end_tokens) {
  const size_t words = (bytes_.size() + 63) / 64;
  for (TokenBits* bits : {&end_tokens_, &silent_tokens_, &other_tokens_}) bits->resize(words);
  for (const TokenId id : end_tokens) {
    if (!has(id)) continue;
    set_bit(end_tokens_, static_cast<int32_t>(id));
    bytes_[static_cast<size_t>(id)].clear();
  }
  for (int32_t id = 0; id < tokens(); id++) {
    if (has_bit(end_tokens_, TokenId{id})) continue;
    set_bit(other_tokens_, id);
    if (bytes(TokenId{id}).empty()) set_bit(silent_tokens_, id);
  }
  plant();
}

/// Makes the tree from the tokens in the order of their bytes: of each, only what the one before it
/// does not begin with is new.
void GrammarVocabulary::plant() {
  same_bytes_.assign(bytes_.size(), -1);
  std::vector<int32_t> order(bytes_.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(order, [this](int32_t id) {
    const size_t size = bytes_[static_cast<size_t>(id)].size();
    return size == 0 || size > kTokenBytesMax;
  });
  std::ranges::stable_sort(order, {}, [this](int32_t id) -> const std::string& {
    return bytes_[static_cast<size_t>(id)];
  });
  std::vector<int32_t> path;  // the nodes of the token before
  std::string_view before;
  const auto close = [&](size_t depth) {
    for (; path.size() > depth; path.pop_back())
      nodes_[static_cast<size_t>(path.back())].end = static_cast<int32_t>(nodes_.size());
  };
  for (const int32_t id : order) {
    const std::string_view bytes = bytes_[static_cast<size_t>(id)];
    const auto differ = std::ranges::mismatch(before, bytes).in2 - bytes.begin();
    close(static_cast<size_t>(differ));
    for (size_t i = path.size(); i < bytes.size(); i++) {
      path.push_back(static_cast<int32_t>(nodes_.size()));
      nodes_.push_back({.depth = static_cast<uint16_t>(i), .byte = static_cast<uint8_t>(bytes[i])});
    }
    Node& last = nodes_[static_cast<size_t>(path.back())];
    same_bytes_[static_cast<size_t>(id)] = last.token;
    last.token = id;
    before = bytes;
  }
  close(0);
}

}  // namespace troika
