// Sequences over forward passes, without an engine between: what curve, batch and depth measure on.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cli/interrupt.h"
#include "engine/forward.h"
#include "engine/pages.h"

namespace troika::cli {

/// The id at `position` of every text that is measured: spread over the vocabulary, the same each
/// time. Speed does not depend on which they are.
TokenId bench_token(int64_t position, int64_t vocab);

/// The first `count` of them.
std::vector<TokenId> bench_tokens(int64_t count, int64_t vocab);

struct BenchRigOptions {
  int64_t sequences = 1;
  int64_t context = 0;   // tokens that each sequence may hold before a pass
  int64_t pass_max = 1;  // tokens of a sequence in a pass
  int64_t chunk_tokens = 512;
  DType kv_dtype = DType::f16;
};

/// Thread: engine.
class BenchRig {
 public:
  /// `model` is borrowed. Errors: exhausted — the memory does not suffice.
  static Result<std::unique_ptr<BenchRig>> make(const LoadedModel& model,
                                                const BenchRigOptions& options);

  /// Reads tokens until each sequence stands behind `position`, where it does not already stand
  /// farther. Errors: cancelled — by Ctrl-C.
  Status read_until(int64_t position, const InterruptScope& interrupt);

  /// Lets sequences from `first` on stand behind `position` without reading: what lies there is
  /// zeros, which takes as long to compute with.
  void stand_behind(int64_t position, int64_t first);

  /// One forward pass of `rows` tokens of each of the first `sequences` sequences, with logits of
  /// each token. All but the first token count as drafts; afterwards everything stands where it
  /// stood.
  Status pass(int64_t sequences, int64_t rows);

 private:
  struct Sequence {
    std::vector<PageId> pages;
    int64_t position = 0;
  };
  BenchRig(const BenchRigOptions& options, int64_t pages, std::unique_ptr<Forward> forward)
      : options_(options),
        pages_(pages),
        forward_(std::move(forward)),
        sequences_(static_cast<size_t>(options.sequences)) {}
  Status add(int64_t index, int64_t rows, int64_t certain, int64_t outputs);
  Status run();

  BenchRigOptions options_;
  Pages pages_;
  std::unique_ptr<Forward> forward_;
  std::vector<Sequence> sequences_;
};

}  // namespace troika::cli
