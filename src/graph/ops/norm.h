// Normalisations over the width of a row's units.
#pragma once

#include "core/result.h"
#include "graph/tensor.h"

namespace troika {

/// y[t,u,i] = x[t,u,i] / sqrt(mean_i(x[t,u,i]^2) + epsilon) * weight[i]. Source: arXiv 1910.07467,
/// eq. 4
struct RmsNorm {
  Tensor x;                    // [rows, units, width] f32
  Weight weight;               // [width] f32, shared by all units
  float epsilon = 0;           // inside the root
  Result<Spec> infer() const;  // as x; invalid_argument if the widths differ
};

/// y[t,u,i] = x[t,u,i] / max(sqrt(sum_i(x[t,u,i]^2)), epsilon) * scale
struct L2Norm {
  Tensor x;  // [rows, units, width] f32
  float epsilon = 0;
  float scale = 1;
  Result<Spec> infer() const;  // as x
};

}  // namespace troika
