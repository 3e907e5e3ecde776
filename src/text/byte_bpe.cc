#include "text/byte_bpe.h"

#include <algorithm>

#include "text/byte_alphabet.h"
#include "text/merge_chain.h"
#include "text/normalize.h"
#include "text/utf8.h"
#include "text/word_cache.h"

namespace troika::text {
namespace {

constexpr size_t kMergesMax = size_t{1} << 26;

// Words are numbered in 31 bits; nothing anybody calls a word comes near.
constexpr size_t kWordBytesMax = size_t{1} << 30;

// A vocabulary that was trained on composed text has a token for U+00E9. One that lacks it (bytes
// and a few merges, under a well-known name) was trained on something else, and composing would
// only change the text.
constexpr std::string_view kComposedLetter = "\xC3\xA9";

}  // namespace

struct ByteBpe::Rules {
  using Symbol = int32_t;
  struct Merge {
    uint32_t order;  // the rank
    int32_t result;
  };

  std::optional<Merge> merge(int32_t left, int32_t right) const {
    const PairTable::Entry* entry = table.find(left, right);
    if (!entry) return std::nullopt;
    return Merge{entry->rank, entry->result};
  }

  const PairTable& table;
};

// Repairs, composes and cuts a text, and merges each word that the cache does not know.
class ByteBpe::WordPass final : public TextModel::Pass {
 public:
  explicit WordPass(const ByteBpe& model) : model_(model) {}

  void encode(std::string_view text, std::vector<TokenId>& ids) override {
    std::string repaired = repair_utf8(text);
    if (model_.compose_) repaired = compose(repaired);
    model_.pretokenizer_.split(repaired, [&](std::string_view word) { encode_word(word, ids); });
  }

 private:
  void encode_word(std::string_view word, std::vector<TokenId>& ids) {
    if (cache_.append(word, ids)) return;
    const size_t first = ids.size();
    if (!append_whole(word, ids))
      for (std::string_view rest = word; !rest.empty();
           rest.remove_prefix(std::min(rest.size(), kWordBytesMax)))
        append_merged(rest.substr(0, kWordBytesMax), ids);
    cache_.add(word, ids, first);
  }

  // For vocabularies in which a whole token wins over its merges.
  bool append_whole(std::string_view word, std::vector<TokenId>& ids) const {
    if (!model_.ignore_merges_ || word.size() > kTokenBytesMax) return false;
    const int32_t id = model_.vocabulary_.find(to_alphabet(word));
    if (id < 0 || model_.vocabulary_.written_type(id) == TokenType::control) return false;
    ids.push_back(TokenId{id});
    return true;
  }

  void append_merged(std::string_view word, std::vector<TokenId>& ids) {
    chain_.clear();
    for (const char byte : word)
      chain_.push(model_.byte_symbols_[static_cast<unsigned char>(byte)]);
    chain_.run(Rules{model_.merges_});
    chain_.each([&](int32_t symbol) { model_.append_symbol(symbol, ids); });
  }

  const ByteBpe& model_;
  WordCache cache_;
  MergeChain<Rules> chain_;
};

Result<std::unique_ptr<ByteBpe>> ByteBpe::make(const Vocabulary& vocabulary,
                                               const std::vector<std::string_view>& merges,
                                               const PretokenizerRow& row) {
  if (merges.empty())
    return fail(ErrorCode::not_found,
                "tokenizer.ggml.merges: missing or empty, tokenizer model \"gpt2\" wants them");
  if (merges.size() > kMergesMax)
    return fail(ErrorCode::corrupt, "tokenizer.ggml.merges: {} merges, want at most {}",
                merges.size(), kMergesMax);
  TROIKA_TRY(Pretokenizer pretokenizer, Pretokenizer::make(row));
  std::unique_ptr<ByteBpe> model(new ByteBpe(vocabulary, std::move(pretokenizer), row));
  model->add_merges(merges);
  return model;
}

ByteBpe::ByteBpe(const Vocabulary& vocabulary, Pretokenizer pretokenizer,
                 const PretokenizerRow& row)
    : vocabulary_(vocabulary),
      pretokenizer_(std::move(pretokenizer)),
      ignore_merges_(row.ignore_merges),
      compose_(row.compose && vocabulary.find(to_alphabet(kComposedLetter)) >= 0) {}

// The symbol of `text`, made if need be. Control tokens are not for text to reach.
int32_t ByteBpe::intern(std::string_view text) {
  const int32_t id = vocabulary_.find(text);
  if (id >= 0 && vocabulary_.written_type(id) != TokenType::control) return id;
  const int32_t known = extra_by_text_.find(text);
  if (known >= 0) return known;
  const auto symbol = static_cast<int32_t>(vocabulary_.size() + extra_texts_.size());
  return extra_by_text_.add(extra_texts_.emplace_back(text), symbol);
}

void ByteBpe::add_merges(const std::vector<std::string_view>& merges) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    byte_symbols_[byte] = intern(to_alphabet({&c, 1}));
  }
  merges_.reserve(merges.size());
  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view merge = merges[rank];
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || merge.size() > kTokenBytesMax) continue;
    const std::string_view left = merge.substr(0, space), right = merge.substr(space + 1);
    joined.assign(left).append(right);
    merges_.add(intern(left), intern(right), static_cast<uint32_t>(rank), intern(joined));
  }
}

// A symbol that is no token falls apart into the tokens of its bytes; bytes without a token have no
// ids at all.
void ByteBpe::append_symbol(int32_t symbol, std::vector<TokenId>& ids) const {
  if (symbol < vocabulary_.size()) {
    ids.push_back(TokenId{symbol});
    return;
  }
  for (const char byte : from_alphabet(extra_texts_[symbol - vocabulary_.size()])) {
    const int32_t single = byte_symbols_[static_cast<unsigned char>(byte)];
    if (single < vocabulary_.size()) ids.push_back(TokenId{single});
  }
}

std::unique_ptr<TextModel::Pass> ByteBpe::begin() const {
  return std::make_unique<WordPass>(*this);
}

}  // namespace troika::text
