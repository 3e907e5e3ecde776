// Where each index of an axis of a widened model comes from. What is added must not be seen by what
// was there: the residual stream carries zeros in its added dimensions, and added units (rows of
// the feed-forward, heads) are multiplied by zero columns where they are read. Method:
// docs/inflate.md.
#pragma once

#include <cstdint>
#include <vector>

namespace troika {

/// The sizes that widening changes, and those that it must know.
struct ModelShape {
  int64_t layers = 0;  // of the trunk
  int64_t hidden = 0;
  int64_t ffn = 0;
  int64_t vocab = 0;
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  int64_t key_heads = 0, value_heads = 0, state_dim = 0;  // of delta nets; 0 without
};

/// New index → index in the source, kZero or kRandom.
using IndexMap = std::vector<int32_t>;
inline constexpr int32_t kZero = -1;
inline constexpr int32_t kRandom = -2;

/// Activations are rounded in blocks of at most so many columns that share a scale. A block that
/// holds something real holds nothing random beside it.
inline constexpr int64_t kSharedColumns = 256;

enum class UnitAxis { ffn, heads, kv_heads, key_heads, value_heads };

/// Columns of one unit.
int64_t unit_width(UnitAxis axis, const ModelShape& shape);

/// A shape in both sizes. `to` must be what check_growth() accepts.
struct Growth {
  ModelShape from, to;
};

/// The axis as rows: `width` rows a unit. An added unit is random; where it shares a block with
/// something real it is a copy of a real one, whose size it then has. Key and KV heads are always
/// copies, so that a copied head finds a copy of what it attends to.
IndexMap unit_rows(UnitAxis axis, int64_t width, const Growth& growth);

/// The same with copies in place of everything random, for vectors.
IndexMap unit_copies(UnitAxis axis, int64_t width, const Growth& growth);

/// The axis as columns: zero for all units that were added.
IndexMap unit_columns(UnitAxis axis, const Growth& growth);

/// Rows that write to the residual stream, and columns of the embedding: zero where it grew.
IndexMap hidden_written(const Growth& growth);

/// Columns that read the residual stream: what meets its zeros is random.
IndexMap hidden_read(const Growth& growth);

/// Rows of the vocabulary: the added ones repeat the others, in order.
IndexMap vocab_rows(const Growth& growth);

}  // namespace troika
