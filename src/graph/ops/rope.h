// Rotary position embedding. Source: arXiv 2104.09864; frequency factors as Llama 3 files carry
// them.
#pragma once

#include <vector>

#include "core/result.h"
#include "graph/batch.h"
#include "graph/tensor.h"

namespace troika {

enum class RopePairs : uint8_t {
  adjacent,  // (x[2i], x[2i+1]): llama files
  halves     // (x[i], x[i + dims/2]): qwen files; text positions of the sectioned (IM-RoPE) kind
             // reduce to this
};

/// Everything but the positions: pair i turns by position * frequencies[i] radians and is scaled by
/// `magnitude`. Base, linear scaling, per-pair factors and YaRN are all folded into the frequencies
/// by the model (model/rope.h), so that a device knows one kind of rope.
struct RopeOptions {
  RopePairs pairs = RopePairs::halves;
  std::vector<double> frequencies;  // radians per position; 2 * size() leading elements of a unit
                                    // turn, the rest pass through
  float magnitude = 1;

  int64_t dims() const { return 2 * static_cast<int64_t>(frequencies.size()); }
  bool operator==(const RopeOptions&) const = default;
};

/// Rotates each unit of x by the angles of its row's position (Input::positions).
struct Rope {
  Tensor x;  // [tokens, heads, head_dim] f32, or [outputs, ...] at the positions of the output rows
  RopeOptions options;
  Result<Spec> infer() const;  // as x; invalid_argument if dims() exceeds the width or is 0
};

}  // namespace troika
