// The product with a weight matrix, in the order of addition of docs/same_bits.md, rule 1.
#pragma once

#include <vector>

#include "core/result.h"
#include "graph/tensor.h"

namespace troika {

/// y[t, o] = sum_k w[o, k] * x[t, k]
struct MatMul {
  Weight w;  // [units * width, inputs]
  Tensor x;  // [rows, *] with `inputs` elements a row
  /// Leaves of w that add up by themselves, part after part; none: all of them, into one sum. Only
  /// the sharding pass asks for parts.
  std::vector<int64_t> parts = {};
  Result<Spec> infer() const;  // [rows, units, width] f32, the axis of w, or [rows, parts, units *
                               // width]; invalid_argument if the inputs differ
};

/// The same for some rows of w alone, of which all are computed alike:
/// y[t, 16 i + j] = sum_k w[16 row_blocks[i] + j, k] * x[t, k]. How many there are is fixed, which
/// they are is an input of the step. For drafts, which need not choose from a whole vocabulary.
struct MatMulBlocks {
  Weight w;  // [units, inputs], a multiple of kBlockRows units
  Tensor x;  // [rows, *] with `inputs` elements a row
  int64_t blocks = 0;
  /// Where w is a run of a larger matrix: its first block there, and the blocks of the whole. Rows
  /// of blocks outside of the run come out as minus infinity.
  int64_t first_block = 0;
  int64_t total_blocks = 0;    // 0: w is the whole
  Result<Spec> infer() const;  // [rows, 16 blocks, 1] f32, the axis of w; invalid_argument if the
                               // inputs differ or w has fewer blocks
};

}  // namespace troika
