// What an op reads, to be looked at or replaced without knowing the op.
#pragma once

#include <vector>

#include "graph/op.h"

namespace troika {

/// Points into an op. Absent weights are left out.
struct Operands {
  std::vector<Tensor*> tensors;
  std::vector<Weight*> weights;
  State* state = nullptr;
};

/// The operands of `op`, valid as long as it is.
Operands operands_of(Op& op);

}  // namespace troika
