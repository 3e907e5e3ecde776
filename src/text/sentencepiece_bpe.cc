#include "text/sentencepiece_bpe.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "text/merge_chain.h"
#include "text/utf8.h"
#include "text/word_cache.h"

namespace troika::text {
namespace {

constexpr size_t kWordBytesMax = size_t{1}
                                 << 30;  // as in byte-level BPE: characters are numbered in 31 bits

// Bytes of the character at the front of `text`, by its lead byte alone, cut at the end.
size_t character_bytes(std::string_view text) {
  return std::min<size_t>(utf8_length(static_cast<unsigned char>(text[0])), text.size());
}

// Where the word at the front of `text` ends: before the first U+2581 that follows anything else.
size_t word_end(std::string_view text) {
  bool in_word = false;
  size_t at = 0;
  while (at < text.size()) {
    const bool mark = text.substr(at).starts_with(kSpaceMark);
    if (mark && in_word) break;
    in_word = !mark;
    at += character_bytes(text.substr(at));
  }
  return at;
}

}  // namespace

struct SentencePieceBpe::Rules {
  using Symbol = std::string_view;  // a stretch of the word; neighbours lie side by side
  struct Merge {
    float order;  // minus the score: the highest joins first
    std::string_view result;
  };

  std::optional<Merge> merge(std::string_view left, std::string_view right) const {
    const std::string_view joined(left.data(), left.size() + right.size());
    if (joined.size() > model.token_bytes_max_) return std::nullopt;
    const int32_t id = model.vocabulary_.find(joined);
    if (id < 0 || model.vocabulary_.written_type(id) == TokenType::control) return std::nullopt;
    return Merge{-model.scores_[id], joined};
  }

  const SentencePieceBpe& model;
};

class SentencePieceBpe::WordPass final : public TextModel::Pass {
 public:
  explicit WordPass(const SentencePieceBpe& model) : model_(model) {}

  void encode(std::string_view text, std::vector<TokenId>& ids) override {
    if (text.empty()) return;
    std::string marked;
    marked.reserve(text.size() + text.size() / 2);
    if (model_.space_prefix_) marked += kSpaceMark;
    for (const char c : text) {
      if (c == ' ')
        marked += kSpaceMark;
      else
        marked.push_back(c);
    }
    for (std::string_view rest = marked; !rest.empty();) {
      const size_t end = model_.words_end_at_spaces_ ? word_end(rest) : rest.size();
      encode_word(rest.substr(0, std::min(end, kWordBytesMax)), ids);
      rest.remove_prefix(std::min(end, kWordBytesMax));
    }
  }

 private:
  void encode_word(std::string_view word, std::vector<TokenId>& ids) {
    if (cache_.append(word, ids)) return;
    const size_t first = ids.size();
    chain_.clear();
    for (std::string_view rest = word; !rest.empty();) {
      const size_t length = character_bytes(rest);
      chain_.push(rest.substr(0, length));
      rest.remove_prefix(length);
    }
    chain_.run(Rules{model_});
    chain_.each([&](std::string_view symbol) { append_symbol(symbol, ids); });
    cache_.add(word, ids, first);
  }

  void append_symbol(std::string_view symbol, std::vector<TokenId>& ids) const {
    const int32_t id = model_.vocabulary_.find(symbol);
    if (id >= 0 && model_.vocabulary_.written_type(id) != TokenType::control) {
      ids.push_back(TokenId{id});
      return;
    }
    for (const char byte : symbol)
      ids.push_back(TokenId{model_.byte_ids_[static_cast<unsigned char>(byte)]});
  }

  const SentencePieceBpe& model_;
  WordCache cache_;
  MergeChain<Rules> chain_;
};

Result<std::unique_ptr<SentencePieceBpe>> SentencePieceBpe::make(const Vocabulary& vocabulary,
                                                                 std::vector<float> scores,
                                                                 bool space_prefix) {
  if (scores.size() != static_cast<size_t>(vocabulary.size()))
    return fail(ErrorCode::corrupt, "tokenizer.ggml.scores: {} scores for {} tokens, want one each",
                scores.size(), vocabulary.size());
  const auto nan =
      std::find_if(scores.begin(), scores.end(), [](float s) { return std::isnan(s); });
  if (nan != scores.end())
    return fail(ErrorCode::corrupt, "tokenizer.ggml.scores: the score of token {} is not a number",
                nan - scores.begin());
  std::unique_ptr<SentencePieceBpe> model(
      new SentencePieceBpe(vocabulary, std::move(scores), space_prefix));
  TROIKA_RETURN_IF_ERROR(model->find_byte_tokens());
  model->measure_tokens();
  return model;
}

SentencePieceBpe::SentencePieceBpe(const Vocabulary& vocabulary, std::vector<float> scores,
                                   bool space_prefix)
    : vocabulary_(vocabulary), scores_(std::move(scores)), space_prefix_(space_prefix) {}

Status SentencePieceBpe::find_byte_tokens() {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    int32_t id = vocabulary_.find(fmt::format("<0x{:02X}>", byte));
    if (id < 0) id = vocabulary_.find({&c, 1});
    if (id < 0) id = vocabulary_.roles().unknown;
    if (id < 0)
      return fail(ErrorCode::corrupt,
                  "tokenizer.ggml.tokens: no token <0x{:02X}> for that byte and no unknown token",
                  byte);
    byte_ids_[byte] = id;
  }
  return ok();
}

void SentencePieceBpe::measure_tokens() {
  for (int32_t id = 0; id < vocabulary_.size(); ++id) {
    if (vocabulary_.written_type(id) == TokenType::control) continue;
    const std::string_view text = vocabulary_.text(id);
    token_bytes_max_ = std::max(token_bytes_max_, text.size());
    if (word_end(text) != text.size()) words_end_at_spaces_ = false;
  }
}

std::unique_ptr<TextModel::Pass> SentencePieceBpe::begin() const {
  return std::make_unique<WordPass>(*this);
}

}  // namespace troika::text
