// The sharding pass: one graph in, a graph for each member of a group out, with exchanges where
// members need what others have. It walks the ops with the table of graph/shard_rules.h; the unit
// of sharing is the leaf of graph/split.h. docs/tensor_parallelism.md.
//
// It goes backwards first: the matrix behind attention, a delta rule or a feed-forward adds up over
// leaves, so its input is wanted in units by leaf, and so is what that is made of, up to the rows
// of the matrices that read whole inputs. Then forwards: each member gets its units of all that,
// and what it adds up over its leaves is exchanged where the whole sum is read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "graph/shares.h"
#include "graph/state.h"
#include "graph/weight.h"

namespace troika {

/// Finds WeightInfo::sharing of all weights that these graphs of one model read. A weight that they
/// want in two ways keeps the first; shard() then refuses the graph that wants the other.
void assign_sharing(std::span<const Graph* const> graphs, std::span<WeightInfo> weights);

/// How the members' logits make the whole.
enum class LogitsForm : uint8_t {
  none,    // the graph has none
  whole,   // every member has them all
  units,   // those of the first member, then those of the next ...
  scatter  // as many as the whole on each, minus infinity where a member has not the row
};

/// The part of a graph that one member runs.
struct MemberGraph {
  /// Weights have the ids of the whole graph; a table of embeddings that is a matrix too has that
  /// id plus the number of weights.
  Graph graph;
  std::vector<std::optional<StateSpec>> states;  // by State::id, those that the graph uses
  int64_t logits = 0;                            // of a row; 0: it has none
};

struct ShardedGraph {
  std::vector<MemberGraph> members;
  LogitsForm logits = LogitsForm::none;
  int64_t exchanges = 0;  // of a step
};

/// Divides `graph` among members with these shares.
/// @param weights, states  of the model, by id, after assign_sharing().
/// Errors: invalid_argument — the shares, or a graph that does not check; unsupported — the graph
/// wants a weight or a value in two ways, by op and name.
Result<ShardedGraph> shard(const Graph& graph, std::span<const WeightInfo> weights,
                           std::span<const StateInfo> states, const Shares& shares);

}  // namespace troika
