// Byte-level BPE ("gpt2"): text is cut into words, a word into bytes, and pairs are joined by rank.
// Source: the GPT-2 encoder; GGUF's tokenizer.ggml.merges.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "text/pair_table.h"
#include "text/pretokenizer.h"
#include "text/text_model.h"
#include "text/vocabulary.h"

namespace troika::text {

class ByteBpe final : public TextModel {
 public:
  /// Borrows `vocabulary`, which must outlive it; copies `merges`. A merge without a space, or of
  /// parts no text can reach, does nothing; of equal ones the first counts. Errors: corrupt — more
  /// merges than any vocabulary has; not_found — none at all; as Pretokenizer::make().
  static Result<std::unique_ptr<ByteBpe>> make(const Vocabulary& vocabulary,
                                               const std::vector<std::string_view>& merges,
                                               const PretokenizerRow& row);

  std::unique_ptr<Pass> begin() const override;

 private:
  class WordPass;
  struct Rules;

  ByteBpe(const Vocabulary& vocabulary, Pretokenizer pretokenizer, const PretokenizerRow& row);
  int32_t intern(std::string_view text);
  void add_merges(const std::vector<std::string_view>& merges);
  void append_symbol(int32_t symbol, std::vector<TokenId>& ids) const;

  const Vocabulary& vocabulary_;
  Pretokenizer pretokenizer_;
  bool ignore_merges_;
  bool compose_;

  // A symbol is a token's id, or, for texts that only merges know, a number from the vocabulary's
  // size on.
  std::array<int32_t, 256> byte_symbols_ = {};
  std::deque<std::string> extra_texts_;
  StringIndex extra_by_text_;
  PairTable merges_;
};

}  // namespace troika::text
