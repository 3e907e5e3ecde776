// Ops that choose, keep or compare rows.
#pragma once

#include "core/result.h"
#include "graph/batch.h"
#include "graph/tensor.h"

namespace troika {

/// y[o] = x[output_rows[o]]
struct GatherRows {
  Tensor x;                    // [tokens, units, width]
  Result<Spec> infer() const;  // [outputs, units, width]
};

/// hidden state[hidden_out[t]] = x[t]. Units are distinct within a step.
struct StoreRows {
  Tensor x;                    // [tokens or outputs, 1, hidden] f32
  State state;                 // a HiddenState of this width
  Result<Spec> infer() const;  // no value
};

/// y[t] = hidden state[hidden_in[t]], as the state was before the step; zeros where hidden_in is
/// -1.
struct LoadRows {
  State state;
  int64_t width = 0;
  Result<Spec> infer() const;  // [tokens, 1, width] f32
};

/// y[t] = the lowest i among those with the largest x[t, i]
struct Argmax {
  Tensor x;                    // [outputs, vocab, 1] f32
  Result<Spec> infer() const;  // [outputs, 1, 1] i32
};

/// The row of the weight that element x[t] of a MatMulBlocks value stands for:
/// y[t] = 16 row_blocks[x[t] / 16] + x[t] % 16
struct BlockRow {
  Tensor x;                    // [rows, 1, 1] i32, each below 16 blocks
  int64_t blocks = 0;          // entries of row_blocks
  Result<Spec> infer() const;  // [rows, 1, 1] i32
};

}  // namespace troika
