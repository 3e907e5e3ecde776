// Rotary position embedding. Source: arXiv 2104.09864; frequency factors as Llama 3 files carry
// them.
#pragma once

#include "core/result.h"
#include "graph/batch.h"
#include "graph/tensor.h"

namespace troika {

enum class RopePairs : uint8_t {
  adjacent,  // (x[2i], x[2i+1]): llama files
  halves     // (x[i], x[i + dims/2]): qwen files; text positions of the sectioned (IM-RoPE) kind
             // reduce to this
};

/// Everything but the positions. Angle of pair i at position p: p * frequency_scale *
/// base^(-2i/dims) / factors[i].
struct RopeOptions {
  RopePairs pairs = RopePairs::halves;
  int64_t dims = 0;  // rotated leading elements of each unit, even; the others pass through
  double base = 10000;
  double frequency_scale = 1;
  Weight factors;  // [dims / 2] f32, optional
};

/// Rotates each unit of x by the angles of its row's position (Input::positions).
struct Rope {
  Tensor x;  // [tokens, heads, head_dim] f32, or [outputs, ...] at the positions of the output rows
  RopeOptions options;
  Result<Spec> infer() const;  // as x; invalid_argument if dims is odd or exceeds the width
};

}  // namespace troika
