// What flows through a graph: tensors whose first axis is a row count of the step, and whose second
// axis says what it is. A row is [units, width]: [heads, head_dim], [1, hidden], [ffn, 1], [vocab,
// 1]. `units` counts what tensor parallelism may split, so that the sharding of an op is one rule
// and never an inference over reshapes.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace troika {

/// Which count of the step the first axis has. The step's counts are the only dynamic sizes.
enum class Rows : uint8_t {
  none,     // the op has an effect on a state and no value
  tokens,   // one row for each token of the step
  outputs,  // one row for each row that Input::output_rows lists
};

/// What the units of a row are.
enum class Axis : uint8_t {
  hidden,
  heads,
  kv_heads,
  k_heads,
  v_heads,
  ffn,
  vocab,
  experts,
  chosen  // the experts that a row chose; it is their width that tensor parallelism may split
};

/// The type and shape of a tensor: [rows, units, width], row-major, dense.
struct Spec {
  DType dtype = DType::f32;
  Rows rows = Rows::none;
  Axis axis = Axis::hidden;
  int64_t units = 0;
  int64_t width = 0;

  int64_t elements() const { return units * width; }  // of one row
  bool same_row(const Spec& other) const {
    return axis == other.axis && units == other.units && width == other.width;
  }
  bool operator==(const Spec&) const = default;
};

/// A value of a graph; cheap to copy. `id` indexes the graph's values.
struct Tensor {
  int32_t id = -1;
  Spec spec;
};

/// A weight of a model; `id` indexes the model's weight table (graph/weight.h). Rows are [units,
/// width] as in Spec, once for each expert.
struct Weight {
  int32_t id = -1;  // -1: absent, for optional weights
  Axis axis = Axis::hidden;
  int64_t units = 0;
  int64_t width = 0;
  int64_t inputs = 0;   // columns (K) of a matrix; 1 for a vector
  int64_t experts = 1;  // matrices of this shape, one after the other

  bool present() const { return id >= 0; }
  int64_t rows() const { return experts * units * width; }
};

/// A piece of memory that lives from step to step; `id` indexes the model's state table
/// (graph/state.h).
struct State {
  int32_t id = -1;
};

}  // namespace troika
