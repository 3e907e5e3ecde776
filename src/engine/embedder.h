// Embeddings: a text as one vector, from the hidden rows of the trunk after the final norm.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "engine/forward.h"
#include "engine/pages.h"

namespace troika {

/// Which rows make the vector: that of the last token, or the mean of all, added in double in the
/// order of tokens.
enum class Pooling : uint8_t { mean, last };

/// v / |v|, in double; a vector of zeros stays one.
void normalise(std::span<float> vector);

struct EmbedderOptions {
  int64_t context = 4096;       // tokens of a text at most
  int64_t chunk_tokens = 512;   // computed at a time; changes no bit
  DType kv_dtype = DType::f16;  // one of kv_dtypes()
};

/// Computes one text after the other, in memory of its own. Thread: one, which owns it; the device
/// is used by one thread at a time.
class Embedder {
 public:
  /// `model` is borrowed and was made with ModelOptions::hidden_rows, or has a draft head.
  /// Errors: unsupported — it keeps no hidden rows; invalid_argument — an option out of its range;
  /// exhausted — the memory does not suffice.
  static Result<std::unique_ptr<Embedder>> make(const LoadedModel& model,
                                                const EmbedderOptions& options);

  /// The vector of `tokens`, [hidden], not normalised; valid until the next call.
  /// Errors: invalid_argument — no tokens, more than the context, an id that the model lacks.
  Result<std::span<float>> embed(std::span<const TokenId> tokens, Pooling pooling);

 private:
  Embedder(std::unique_ptr<Forward> forward, const EmbedderOptions& options);
  Status validate(std::span<const TokenId> tokens) const;
  Status run_chunk(std::span<const TokenId> tokens, int64_t begin, int64_t rows);

  std::unique_ptr<Forward> forward_;
  EmbedderOptions options_;
  Pages pages_;
  std::vector<PageId> held_;
  std::vector<float> rows_;  // of a chunk
  std::vector<double> sum_;
  std::vector<float> vector_;
};

}  // namespace troika
