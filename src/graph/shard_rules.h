// The sharding table: for each op, one row that says how members of a group divide it. The pass
// that reads it is graph/sharding.h; docs/tensor_parallelism.md tells the idea.
#pragma once

#include <cstdint>

#include "graph/op.h"

namespace troika {

enum class ShardRule : uint8_t {
  whole,    // every member does all of it, from whole inputs
  units,    // units never meet: a member does its own, with its part of vectors and states. Where
            // nobody wants the value in units, as `whole`
  product,  // of a matrix. x in units: members have those columns, and the value is parts of a sum
            // over leaves. x whole: members have the rows that are wanted of them, or all
  choice,   // a member chooses among its units, then the group among the members' choices
  joins     // written by the pass itself
};

/// One row for each op. An op without a row does not compile.
struct ShardRules {
  using enum ShardRule;
  // clang-format off
  ShardRule operator()(const Embed&) const { return whole; }          // all of the table
  ShardRule operator()(const MatMul&) const { return product; }
  ShardRule operator()(const MatMulBlocks&) const { return product; }  // blocks elsewhere: -inf
  ShardRule operator()(const RmsNorm&) const { return units; }        // one weight for all units
  ShardRule operator()(const L2Norm&) const { return units; }
  ShardRule operator()(const Rope&) const { return units; }
  ShardRule operator()(const KvWrite&) const { return units; }        // as the state is split
  ShardRule operator()(const Attention&) const { return units; }      // state: their KV heads
  ShardRule operator()(const CausalConv&) const { return units; }     // taps and state: channels
  ShardRule operator()(const GatedDeltaRule&) const { return units; }  // q, k: key heads of v's
  ShardRule operator()(const RouterTopK&) const { return whole; }
  ShardRule operator()(const ExpertMatMul&) const { return product; }  // the same rows of each
  ShardRule operator()(const ExpertSum&) const { return product; }    // the same columns of each
  ShardRule operator()(const Add&) const { return units; }
  ShardRule operator()(const AddBias&) const { return units; }        // bias: its units
  ShardRule operator()(const SwiGlu&) const { return units; }
  ShardRule operator()(const Gate&) const { return units; }           // one gate for the row: whole
  ShardRule operator()(const Concat&) const { return units; }
  ShardRule operator()(const Slice&) const { return units; }
  ShardRule operator()(const GatherRows&) const { return units; }
  ShardRule operator()(const StoreRows&) const { return whole; }
  ShardRule operator()(const LoadRows&) const { return whole; }
  ShardRule operator()(const Argmax&) const { return choice; }
  ShardRule operator()(const BlockRow&) const { return whole; }
  ShardRule operator()(const ArgmaxPair&) const { return joins; }
  ShardRule operator()(const Exchange&) const { return joins; }
  ShardRule operator()(const SumParts&) const { return joins; }
  ShardRule operator()(const BestPair&) const { return joins; }
  // clang-format on
};

/// The row of `op`.
inline ShardRule shard_rule(const Op& op) {
  return std::visit(ShardRules{}, op);
}

}  // namespace troika
