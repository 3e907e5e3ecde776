// SentencePiece's BPE ("llama"): spaces become U+2581, characters are joined by the score of what
// they join into, and characters without a token fall apart into byte tokens. Source: SentencePiece
// (bpe_model.cc); GGUF's tokenizer.ggml.scores.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "text/text_model.h"
#include "text/vocabulary.h"

namespace troika::text {

class SentencePieceBpe final : public TextModel {
 public:
  /// Borrows `vocabulary`, which must outlive it; copies `scores`.
  /// @param space_prefix  put a space in front of each stretch of text.
  /// Errors: corrupt — not one score for each token, a NaN, or bytes without a token where there is
  /// no unknown token.
  static Result<std::unique_ptr<SentencePieceBpe>> make(const Vocabulary& vocabulary,
                                                        std::vector<float> scores,
                                                        bool space_prefix);

  std::unique_ptr<Pass> begin() const override;

 private:
  class WordPass;
  struct Rules;

  SentencePieceBpe(const Vocabulary& vocabulary, std::vector<float> scores, bool space_prefix);
  Status find_byte_tokens();
  void measure_tokens();

  const Vocabulary& vocabulary_;
  std::vector<float> scores_;
  bool space_prefix_;
  bool words_end_at_spaces_ =
      true;  // no token goes on past a space, so words can be merged one by one
  size_t token_bytes_max_ = 0;
  std::array<int32_t, 256> byte_ids_ = {};
};

}  // namespace troika::text
