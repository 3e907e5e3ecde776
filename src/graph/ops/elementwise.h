// Ops without a sum: elementwise products and sums, and joining or taking parts of rows.
#pragma once

#include "core/result.h"
#include "graph/tensor.h"

namespace troika {

/// y = a + b
struct Add {
  Tensor a;
  Tensor b;  // the shape of a
  Result<Spec> infer() const;
};

/// y[t, i] = x[t, i] + bias[i]
struct AddBias {
  Tensor x;
  Weight bias;  // [units * width] f32
  Result<Spec> infer() const;
};

/// y = silu(gate) * up. Source: arXiv 2002.05202
struct SwiGlu {
  Tensor gate;
  Tensor up;  // the shape of gate
  Result<Spec> infer() const;
};

enum class GateFunction : uint8_t { sigmoid, silu };

/// y = x * function(gate)
struct Gate {
  Tensor x;
  Tensor gate;  // as many units and as wide as x, or one element for the whole row
  GateFunction function = GateFunction::sigmoid;
  Result<Spec> infer() const;
};

/// y[t] = [a[t], b[t]] along the width; both have the same units.
struct Concat {
  Tensor a;
  Tensor b;
  Result<Spec> infer() const;
};

/// y[t,u] = x[t,u, begin .. begin + width)
struct Slice {
  Tensor x;
  int64_t begin = 0;
  int64_t width = 0;
  Result<Spec> infer() const;
};

}  // namespace troika
