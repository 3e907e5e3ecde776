// The product with a weight matrix, in the order of addition of docs/same_bits.md, rule 1.
#pragma once

#include "core/result.h"
#include "graph/tensor.h"

namespace troika {

/// y[t, o] = sum_k w[o, k] * x[t, k]
struct MatMul {
  Weight w;  // [units * width, inputs]
  Tensor x;  // [rows, *] with `inputs` elements a row
  Result<Spec> infer()
      const;  // [rows, units, width] f32, the axis of w; invalid_argument if the inputs differ
};

}  // namespace troika
