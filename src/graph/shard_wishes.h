// The first half of the sharding pass: what a graph wants of its values, states and weights, found
// from the last op to the first.
#pragma once

#include <span>
#include <vector>

#include "graph/graph.h"
#include "graph/weight.h"

namespace troika {

/// In which units a graph's values are wanted, by leaf; none: whole.
struct ShardWishes {
  std::vector<UnitLeaves> values;  // by value
  std::vector<UnitLeaves> states;  // by State::id
  std::vector<Sharing> weights;    // by Weight::id
  std::vector<bool> weights_read;  // by Weight::id: by a product, or unit by unit
};

ShardWishes find_wishes(const Graph& graph, std::span<const WeightInfo> weights);

/// In which units `op` reads its tensors (in the order of operands_of()), if its value (or the
/// state that it writes) is in `units`. For ops of ShardRule::units.
std::vector<UnitLeaves> wished_operands(const Op& op, const UnitLeaves& units);

/// The leaves of the columns of `w` as units of x, none if x cannot be cut so.
UnitLeaves units_of_columns(const Split& split, const Tensor& x);

/// A vocabulary in leaves of whole blocks of rows. Nothing adds up over it, so that these are many.
UnitLeaves vocabulary_leaves(int64_t units);

/// Of query heads by leaf, the KV heads: once for each run of queries, all runs being equal.
UnitLeaves kv_units(const UnitLeaves& heads, int64_t group);

}  // namespace troika
