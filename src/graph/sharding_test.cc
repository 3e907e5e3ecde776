// The rules, row by row, on graphs of a few ops. Whole models: tests/sharding.
#include "graph/sharding.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "graph/shard_rules.h"

namespace troika {
namespace {

constexpr int64_t kHidden = 64;
constexpr float kEpsilon = 1e-5F;

/// Weights and states as a family declares them, and the graph over them.
class Rig {
 public:
  Graph g;

  Weight rows(Axis axis, int64_t units, int64_t width, int64_t experts = 1) {
    return add(
        {.weight = {0, axis, units, width, kHidden, experts}, .split = split_whole(kHidden)});
  }
  Weight columns(Split split, int64_t inputs, int64_t experts = 1) {
    return add(
        {.weight = {0, Axis::hidden, 1, kHidden, inputs, experts}, .split = std::move(split)});
  }
  Weight vector(Axis axis, int64_t units, int64_t width, int64_t inputs = 1) {
    return add({.use = WeightUse::vector, .weight = {0, axis, units, width, inputs}});
  }
  Weight table() {
    return add({.use = WeightUse::matmul_lookup,
                .weight = {0, Axis::vocab, 128, 1, kHidden},
                .split = split_whole(kHidden)});
  }
  State state(StateSpec spec) {
    states_.push_back({"state", spec});
    return {static_cast<int32_t>(states_.size()) - 1};
  }
  Tensor input() {
    return g.rms_norm(g.embed(table()), vector(Axis::hidden, 1, kHidden), kEpsilon);
  }

  ShardedGraph shard(const Shares& shares) {
    const Graph* graphs[] = {&g};
    assign_sharing(graphs, weights_);
    Result<ShardedGraph> sharded = troika::shard(g, weights_, states_, shares);
    EXPECT_TRUE(sharded.ok()) << sharded.error().message();
    return sharded.ok() ? std::move(*sharded) : ShardedGraph{};
  }
  std::string refusal(const Shares& shares) {
    const Result<ShardedGraph> sharded = troika::shard(g, weights_, states_, shares);
    return sharded.ok() ? "" : std::string(sharded.error().message());
  }
  std::vector<WeightInfo>& weights() { return weights_; }

 private:
  Weight add(WeightInfo info) {
    info.weight.id = static_cast<int32_t>(weights_.size());
    info.name = "weight " + std::to_string(info.weight.id);
    weights_.push_back(std::move(info));
    return weights_.back().weight;
  }
  std::vector<WeightInfo> weights_;
  std::vector<StateInfo> states_;
};

/// The ops of one kind in a member's graph.
template <typename Kind>
std::vector<Kind> ops_of(const MemberGraph& member) {
  std::vector<Kind> found;
  for (const Node& node : member.graph.nodes())
    if (const auto* op = std::get_if<Kind>(&node.op)) found.push_back(*op);
  return found;
}

/// Their values.
template <typename Kind>
std::vector<Spec> values_of(const MemberGraph& member) {
  std::vector<Spec> found;
  for (const Node& node : member.graph.nodes())
    if (std::holds_alternative<Kind>(node.op)) found.push_back(node.value.spec);
  return found;
}

/// A feed-forward of `ffn` rows behind an input; y = down(swiglu(gate x, up x)).
Tensor feed_forward(Rig& rig, Tensor x, int64_t ffn) {
  const Tensor gate = rig.g.matmul(rig.rows(Axis::ffn, ffn, 1), x);
  const Tensor up = rig.g.matmul(rig.rows(Axis::ffn, ffn, 1), x);
  return rig.g.matmul(rig.columns(split_contiguous(ffn, ffn, 32), ffn), rig.g.swiglu(gate, up));
}

/// Attention of `heads` queries over `kv_heads`, with biases, norms, rope and a gate.
Tensor attention(Rig& rig, Tensor x, int64_t heads, int64_t kv_heads, int64_t units) {
  constexpr int64_t kDim = 32;
  Graph& g = rig.g;
  const State kv = rig.state(KvState{kv_heads, kDim, kDim});
  const RopeOptions rope{.frequencies = {1.0, 0.5}};
  const Tensor k = g.add_bias(g.matmul(rig.rows(Axis::kv_heads, kv_heads, kDim), x),
                              rig.vector(Axis::kv_heads, kv_heads, kDim));
  g.kv_write(g.rope(k, rope), g.matmul(rig.rows(Axis::kv_heads, kv_heads, kDim), x), kv);
  const Tensor both = g.matmul(rig.rows(Axis::heads, heads, 2 * kDim), x);
  const Tensor q = g.rms_norm(g.slice(both, 0, kDim), rig.vector(Axis::hidden, 1, kDim), kEpsilon);
  const Tensor o = g.attention({g.rope(q, rope), kv, kv_heads, kDim, 1.0F});
  const Tensor y = g.gate(o, g.slice(both, kDim, kDim), GateFunction::sigmoid);
  return g.matmul(rig.columns(split_contiguous(heads * kDim, units, 32), heads * kDim), y);
}

TEST(ShardRulesTest, EveryRowSaysWhatItShould) {
  const std::map<ShardRule, std::set<std::string_view>> wanted = {
      {ShardRule::whole, {"embed", "router_top_k", "store_rows", "load_rows", "block_row"}},
      {ShardRule::units,
       {"rms_norm", "l2_norm", "rope", "kv_write", "attention", "causal_conv", "gated_delta_rule",
        "add", "add_bias", "swiglu", "gate", "concat", "slice", "gather_rows"}},
      {ShardRule::product, {"matmul", "matmul_blocks", "expert_matmul", "expert_sum"}},
      {ShardRule::choice, {"argmax"}},
      {ShardRule::joins, {"argmax_pair", "exchange", "sum_parts", "best_pair"}}};
  std::map<ShardRule, std::set<std::string_view>> seen;
  const auto look = [&](const Op& op) { seen[shard_rule(op)].insert(op_name(op)); };
  [&]<size_t... I>(std::index_sequence<I...>) {
    (look(std::variant_alternative_t<I, Op>{}), ...);
  }
  (std::make_index_sequence<std::variant_size_v<Op>>());
  EXPECT_EQ(seen, wanted);
}

TEST(ShardingTest, ADenseLayerTakesTwoExchanges) {
  Rig rig;
  Tensor x = rig.input();
  x = rig.g.add(x, attention(rig, x, 8, 8, 8));
  x = rig.g.add(x, feed_forward(rig, x, 256));
  for (const Shares& shares : {Shares{1, 1}, Shares{3, 1}, Shares{5, 3}, Shares{1, 1, 1, 1}}) {
    const ShardedGraph sharded = rig.shard(shares);
    EXPECT_EQ(sharded.exchanges, 2);
    for (const MemberGraph& member : sharded.members) {
      EXPECT_EQ(ops_of<Exchange>(member).size(), 2U);
      EXPECT_EQ(ops_of<SumParts>(member).size(), 2U);
      for (const Spec& sum : values_of<SumParts>(member)) EXPECT_EQ(sum, x.spec);
    }
  }
}

TEST(ShardingTest, AttentionGoesByKvHeads) {
  Rig rig;
  attention(rig, rig.input(), 16, 8, 8);
  const ShardedGraph sharded = rig.shard({3, 1});
  for (int64_t m = 0; m < 2; m++) {
    const MemberGraph& member = sharded.members[static_cast<size_t>(m)];
    const int64_t kv_heads = m == 0 ? 6 : 2;
    const std::vector<Attention> ops = ops_of<Attention>(member);
    ASSERT_EQ(ops.size(), 1U);
    EXPECT_EQ(ops[0].kv_heads, kv_heads);
    EXPECT_EQ(ops[0].q.spec.units, 2 * kv_heads);
    EXPECT_EQ(std::get<KvState>(*member.states[0]).kv_heads, kv_heads);
    EXPECT_EQ(ops_of<KvWrite>(member)[0].k.spec.units, kv_heads);
    EXPECT_EQ(ops_of<AddBias>(member)[0].bias.units, kv_heads);
    EXPECT_EQ(ops_of<Slice>(member)[0].x.spec.units, 2 * kv_heads);
    EXPECT_EQ(ops_of<Gate>(member)[0].gate.spec.units, 2 * kv_heads);
    EXPECT_EQ(ops_of<Rope>(member)[0].x.spec.units, kv_heads);
  }
  EXPECT_EQ(ops_of<MatMul>(sharded.members[0]).back().parts, (std::vector<int64_t>{4, 2}));
  EXPECT_TRUE(ops_of<MatMul>(sharded.members[1]).back().parts.empty());
}

TEST(ShardingTest, MoreMembersThanKvHeadsShareTheHeadsQueries) {
  Rig rig;
  attention(rig, rig.input(), 8, 2, 8);  // leaves of one query
  const ShardedGraph sharded = rig.shard({1, 1, 1, 1});
  for (const MemberGraph& member : sharded.members) {
    EXPECT_EQ(ops_of<Attention>(member)[0].q.spec.units, 2);
    EXPECT_EQ(ops_of<Attention>(member)[0].kv_heads, 1);
  }
  const ShardedGraph uneven = rig.shard({3, 1});
  EXPECT_EQ(ops_of<Attention>(uneven.members[0])[0].q.spec.units, 6);
  EXPECT_EQ(ops_of<Attention>(uneven.members[0])[0].kv_heads, 3);  // 0, 0, 1: runs of two queries
  EXPECT_EQ(ops_of<Attention>(uneven.members[1])[0].kv_heads, 1);
}

TEST(ShardingTest, AMemberWithoutAShareKeepsStep) {
  Rig rig;
  Tensor x = rig.input();
  x = rig.g.add(x, feed_forward(rig, x, 64));  // two leaves
  const ShardedGraph sharded = rig.shard({1, 1, 1, 1});
  ASSERT_EQ(sharded.exchanges, 1);
  const MemberGraph& idle = sharded.members[1];
  EXPECT_TRUE(ops_of<MatMul>(idle).empty());
  EXPECT_TRUE(ops_of<Exchange>(idle)[0].values.empty());
  const SumParts sum = ops_of<SumParts>(idle)[0];
  ASSERT_EQ(sum.runs.size(), 2U);
  EXPECT_EQ(sum.runs[0].member, 0);
  EXPECT_EQ(sum.runs[1].member, 2);
  EXPECT_EQ(sum.shown[1].elements, 0);
}

TEST(ShardingTest, ADeltaRuleGoesByKeyHeads) {
  constexpr int64_t kKeys = 8;
  constexpr int64_t kValues = 16;
  constexpr int64_t kDim = 32;
  Rig rig;
  Graph& g = rig.g;
  const Tensor x = rig.input();
  auto conv = [&](Axis axis, int64_t heads) {
    return g.causal_conv(g.matmul(rig.rows(axis, heads, kDim), x), rig.vector(axis, heads, kDim, 4),
                         rig.state(ConvState{heads * kDim, 4}));
  };
  auto per_head = [&] { return g.matmul(rig.rows(Axis::v_heads, kValues, 1), x); };
  const Tensor q = g.l2_norm(conv(Axis::k_heads, kKeys), kEpsilon, 1);
  const Tensor k = conv(Axis::k_heads, kKeys);
  const Tensor v = conv(Axis::v_heads, kValues);
  const Tensor decay = per_head();
  const Tensor beta = per_head();
  const Tensor o = g.gated_delta_rule({q, k, v, decay, beta, rig.vector(Axis::v_heads, kValues, 1),
                                       rig.vector(Axis::v_heads, kValues, 1),
                                       rig.state(DeltaState{kValues, kDim, kDim})});
  g.rms_norm(g.matmul(rig.columns(split_tiled_heads(kKeys, kValues, kDim, 32), kValues * kDim), o),
             rig.vector(Axis::hidden, 1, kHidden), kEpsilon);
  const ShardedGraph sharded = rig.shard({5, 3});
  for (int64_t m = 0; m < 2; m++) {
    const MemberGraph& member = sharded.members[static_cast<size_t>(m)];
    const int64_t keys = m == 0 ? 5 : 3;
    const GatedDeltaRule rule = ops_of<GatedDeltaRule>(member)[0];
    EXPECT_EQ(rule.q.spec.units, keys);
    EXPECT_EQ(rule.v.spec.units, 2 * keys);
    EXPECT_EQ(rule.a.units, 2 * keys);
    EXPECT_EQ(ops_of<CausalConv>(member)[0].taps.units, keys);
    EXPECT_EQ(std::get<ConvState>(*member.states[0]).channels, keys * kDim);
    EXPECT_EQ(std::get<ConvState>(*member.states[2]).channels, 2 * keys * kDim);
    EXPECT_EQ(std::get<DeltaState>(*member.states[3]).heads, 2 * keys);
  }
  EXPECT_EQ(sharded.exchanges, 1);
}

TEST(ShardingTest, ExpertsAreSlicedAndMeetTheSharedOneInOneExchange) {
  constexpr int64_t kExperts = 4;
  constexpr int64_t kFfn = 256;
  Rig rig;
  Graph& g = rig.g;
  const Tensor x = rig.input();
  const Routing routing = g.router_top_k(
      {.logits = g.matmul(rig.rows(Axis::experts, kExperts, 1), x), .options = {.used = 2}});
  const Tensor h = g.swiglu(g.expert_matmul(rig.rows(Axis::ffn, kFfn, 1, kExperts), x, routing),
                            g.expert_matmul(rig.rows(Axis::ffn, kFfn, 1, kExperts), x, routing));
  const Tensor y =
      g.expert_sum(rig.columns(split_contiguous(kFfn, kFfn, 32), kFfn, kExperts), h, routing);
  const Tensor share = g.matmul(rig.rows(Axis::hidden, 1, 1), x);
  g.add(y, g.gate(feed_forward(rig, x, 128), share, GateFunction::sigmoid));
  const ShardedGraph sharded = rig.shard({1, 1, 2});
  EXPECT_EQ(sharded.exchanges, 1);
  const int64_t slices[] = {64, 64, 128};
  for (size_t m = 0; m < 3; m++) {
    const MemberGraph& member = sharded.members[m];
    EXPECT_EQ(ops_of<ExpertMatMul>(member)[0].w.units, slices[m]);
    EXPECT_EQ(ops_of<ExpertSum>(member)[0].w.inputs, slices[m]);
    EXPECT_EQ(ops_of<RouterTopK>(member)[0].logits.spec.units, kExperts);
    EXPECT_EQ(ops_of<SumParts>(member).size(), 2U);
  }
}

TEST(ShardingTest, TheVocabularyIsSplitAndTheArgmaxMadeTogether) {
  Rig rig;
  Graph& g = rig.g;
  const Weight table = rig.table();
  const Tensor x = g.gather_rows(g.embed(table));
  const Tensor logits = g.matmul(table, x);
  g.output(Output::logits, logits);
  g.output(Output::argmax, g.argmax(logits));
  const ShardedGraph sharded = rig.shard({3, 0, 1});
  EXPECT_EQ(sharded.logits, LogitsForm::units);
  EXPECT_EQ(sharded.exchanges, 1);
  EXPECT_EQ(sharded.members[0].logits, 96);
  EXPECT_EQ(sharded.members[1].logits, 0);
  EXPECT_EQ(sharded.members[2].logits, 32);
  EXPECT_EQ(ops_of<ArgmaxPair>(sharded.members[2])[0].first, 96);
  EXPECT_TRUE(ops_of<ArgmaxPair>(sharded.members[1]).empty());
  for (const MemberGraph& member : sharded.members) {
    EXPECT_EQ(ops_of<BestPair>(member).size(), 1U);
    EXPECT_EQ(member.graph.output(Output::argmax)->spec.dtype, DType::i32);
    EXPECT_EQ(ops_of<Embed>(member)[0].table.id, 1);  // a copy of all of the table, behind it
    EXPECT_EQ(ops_of<Embed>(member)[0].table.units, 128);
  }
}

TEST(ShardingTest, NamedBlocksAreComputedWhereTheyAre) {
  Rig rig;
  Graph& g = rig.g;
  const Weight table = rig.table();
  const Tensor logits = g.matmul_blocks(table, g.gather_rows(g.embed(table)), 3);
  g.output(Output::logits, logits);
  g.output(Output::argmax, g.block_row(g.argmax(logits), 3));
  const ShardedGraph sharded = rig.shard({1, 3});
  EXPECT_EQ(sharded.logits, LogitsForm::scatter);
  EXPECT_EQ(sharded.exchanges, 1);
  const MatMulBlocks second = ops_of<MatMulBlocks>(sharded.members[1])[0];
  EXPECT_EQ(second.first_block, 2);
  EXPECT_EQ(second.total_blocks, 8);
  EXPECT_EQ(second.w.units, 96);
  for (const MemberGraph& member : sharded.members) {
    EXPECT_EQ(member.logits, 48);
    EXPECT_EQ(ops_of<ArgmaxPair>(member)[0].first, 0);
    EXPECT_EQ(ops_of<BlockRow>(member).size(), 1U);
  }
}

TEST(ShardingTest, RowsThatAreKeptAreWhole) {
  Rig rig;
  Graph& g = rig.g;
  const State hidden = rig.state(HiddenState{kHidden});
  const Tensor y = feed_forward(rig, g.load_rows(hidden, kHidden), 128);
  g.store_rows(g.concat(g.slice(y, 0, 32), g.slice(y, 32, 32)), hidden);
  const ShardedGraph sharded = rig.shard({1, 1});
  for (const MemberGraph& member : sharded.members) {
    EXPECT_EQ(std::get<HiddenState>(*member.states[0]).width, kHidden);
    EXPECT_EQ(ops_of<StoreRows>(member)[0].x.spec.width, kHidden);
    EXPECT_EQ(ops_of<Concat>(member).size(), 1U);
  }
}

TEST(ShardingTest, OneMemberHasTheGraphAsItIs) {
  Rig rig;
  Tensor x = rig.input();
  x = rig.g.add(x, feed_forward(rig, x, 256));
  const ShardedGraph sharded = rig.shard({7});
  EXPECT_EQ(ops_of<MatMul>(sharded.members[0]).back().w.inputs, 256);
  EXPECT_EQ(ops_of<SumParts>(sharded.members[0])[0].runs.size(), 1U);
}

TEST(ShardingTest, WhatIsWantedInTwoWaysIsRefused) {
  Rig rig;
  const Tensor gate = rig.g.matmul(rig.rows(Axis::ffn, 64, 1), rig.input());
  rig.g.matmul(rig.columns(split_contiguous(64, 64, 32), 64), gate);
  rig.shard({1, 1});
  rig.g.store_rows(gate, rig.state(HiddenState{64}));
  EXPECT_EQ(rig.refusal({1, 1}), "op 4 (store_rows): value 2 is wanted whole and in units");
  rig.weights()[0].sharing.rows = {{{0, 64}}};
  EXPECT_EQ(rig.refusal({1, 1}),
            "weight 0 is wanted in other units here than elsewhere in the model");
  EXPECT_EQ(rig.refusal({0, 0}), "no member has a share");
}

TEST(ShardingTest, AShardedGraphIsNotShardedAgain) {
  Rig rig;
  rig.g.append(Exchange{});
  EXPECT_EQ(rig.refusal({1, 1}), "op 0 (exchange): the graph has been sharded before");
}

}  // namespace
}  // namespace troika
