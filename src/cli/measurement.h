// What `troika bench` measures: one loaded model, repeated work, medians.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/result.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"

namespace troika::cli {

/// Repeated values of one quantity.
struct Series {
  std::vector<double> values;
  double median() const;
  double min() const;
  double max() const;
  /// (max - min) / median, in per cent.
  double spread_percent() const;
};

struct MeasureOptions {
  int64_t prompt_tokens = 512;
  int64_t generate_tokens = 64;
  int64_t repetitions = 5;
  int64_t chunk_tokens = EngineOptions{}.chunk_tokens;
  DType kv_dtype = EngineOptions{}.kv_dtype;
};

/// Speeds of reading a prompt and of writing one token at a time behind it, greedily, without
/// drafts.
struct TextSpeed {
  Series prompt_per_s;
  Series generate_per_s;
};

/// The time of one forward pass of `tokens` tokens behind the prompt, with logits of each.
struct ForwardCost {
  int64_t tokens = 0;
  Series ms;
};

/// Errors: those of the engine; cancelled — by Ctrl-C.
Result<TextSpeed> measure_text(const LoadedModel& model, const MeasureOptions& options);

/// For each of `counts` tokens, ascending; the counts take turns, so that a disturbance hits all.
Result<std::vector<ForwardCost>> measure_forwards(const LoadedModel& model,
                                                  const MeasureOptions& options,
                                                  std::span<const int64_t> counts);

}  // namespace troika::cli
