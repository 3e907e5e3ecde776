#include "graph/shard_wishes.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "graph/batch.h"
#include "graph/operands.h"
#include "graph/shard_rules.h"

namespace troika {
namespace {

constexpr int64_t kVocabularyLeaves = 64;

/// Whether units of this axis are made by one member each.
bool is_divided(Axis axis) {
  return axis != Axis::hidden && axis != Axis::experts;
}

/// Calls take(leaf, unit) for every unit of every leaf.
template <typename Take>
void each_unit(const UnitLeaves& leaves, Take take) {
  for (size_t leaf = 0; leaf < leaves.size(); leaf++)
    for (const ColumnRange& range : leaves[leaf])
      for (int64_t unit = range.begin; unit < range.end; unit++) take(leaf, unit);
}

/// Key heads of value heads in tiled order.
UnitLeaves key_units(const UnitLeaves& value_heads, int64_t key_heads) {
  std::vector<std::map<int64_t, bool>> found(value_heads.size());
  each_unit(value_heads, [&](size_t leaf, int64_t head) { found[leaf][head % key_heads] = true; });
  UnitLeaves keys(value_heads.size());
  for (size_t leaf = 0; leaf < keys.size(); leaf++)
    for (const auto& [head, is_there] : found[leaf]) keys[leaf].push_back({head, head + 1});
  return keys;
}

class Finder {
 public:
  Finder(const Graph& graph, std::span<const WeightInfo> weights)
      : graph_(graph), weights_(weights) {
    wishes_.values.resize(graph.nodes().size());
    wishes_.weights.resize(weights.size());
    wishes_.weights_read.resize(weights.size());
  }

  ShardWishes find() {
    if (const auto& logits = graph_.output(Output::logits);
        logits && logits->spec.axis == Axis::vocab)
      wish(*logits, vocabulary_leaves(logits->spec.units));
    for (auto node = graph_.nodes().rbegin(); node != graph_.nodes().rend(); ++node) look_at(*node);
    return std::move(wishes_);
  }

 private:
  void wish(const Tensor& tensor, const UnitLeaves& units) {
    UnitLeaves& wished = wishes_.values[static_cast<size_t>(tensor.id)];
    if (wished.empty()) wished = units;
  }

  void wish(State state, const UnitLeaves& units) {
    const auto id = static_cast<size_t>(state.id);
    if (id >= wishes_.states.size()) wishes_.states.resize(id + 1);
    if (wishes_.states[id].empty()) wishes_.states[id] = units;
  }

  Sharing& sharing(const Weight& weight) {
    const auto id = static_cast<size_t>(weight.id);
    wishes_.weights_read[id] = true;
    return wishes_.weights[id];
  }

  UnitLeaves of_state(State state) const {
    const auto id = static_cast<size_t>(state.id);
    return id < wishes_.states.size() ? wishes_.states[id] : UnitLeaves{};
  }

  void look_at(const Node& node) {
    Op op = node.op;
    const Operands operands = operands_of(op);
    switch (shard_rule(op)) {
      case ShardRule::product:
        return look_at_product(op, operands, wishes_.values[static_cast<size_t>(node.value.id)]);
      case ShardRule::choice:
        return look_at_choice(*operands.tensors[0]);
      case ShardRule::units: {
        const bool writes = std::holds_alternative<KvWrite>(op);
        return look_at_units(op, operands,
                             writes ? of_state(*operands.state)
                                    : wishes_.values[static_cast<size_t>(node.value.id)]);
      }
      case ShardRule::whole:
      case ShardRule::joins:
        return;
    }
  }

  void look_at_units(const Op& op, const Operands& operands, const UnitLeaves& units) {
    for (const Weight* weight : operands.weights) {
      Sharing& shared = sharing(*weight);
      if (weight->axis != Axis::hidden) shared.rows = units;
    }
    if (units.empty()) return;
    const std::vector<UnitLeaves> wished = wished_operands(op, units);
    for (size_t i = 0; i < wished.size(); i++)
      if (!wished[i].empty()) wish(*operands.tensors[i], wished[i]);
    if (operands.state == nullptr) return;
    const auto* attention = std::get_if<Attention>(&op);
    wish(*operands.state, attention == nullptr
                              ? units
                              : kv_units(units, attention->q.spec.units / attention->kv_heads));
  }

  void look_at_product(const Op& op, const Operands& operands, const UnitLeaves& wanted) {
    const Weight& w = *operands.weights[0];
    const Tensor& x = *operands.tensors[0];
    Sharing& shared = sharing(w);
    if (std::holds_alternative<MatMulBlocks>(op)) {
      shared.rows = vocabulary_leaves(w.rows());
      return;
    }
    const UnitLeaves columns = units_of_columns(weights_[static_cast<size_t>(w.id)].split, x);
    shared.columns = !columns.empty();
    if (shared.columns)
      wish(x, columns);
    else
      shared.rows = wanted;
  }

  void look_at_choice(const Tensor& x) {
    if (x.spec.axis == Axis::vocab) wish(x, vocabulary_leaves(x.spec.units));
  }

  const Graph& graph_;
  std::span<const WeightInfo> weights_;
  ShardWishes wishes_;
};

}  // namespace

ShardWishes find_wishes(const Graph& graph, std::span<const WeightInfo> weights) {
  return Finder(graph, weights).find();
}

std::vector<UnitLeaves> wished_operands(const Op& op, const UnitLeaves& units) {
  if (const auto* rule = std::get_if<GatedDeltaRule>(&op)) {
    const UnitLeaves keys = key_units(units, rule->k.spec.units);
    return {keys, keys, units, units, units};
  }
  if (const auto* gate = std::get_if<Gate>(&op); gate != nullptr && gate->gate.spec.elements() == 1)
    return {units, {}};
  Op copy = op;
  return std::vector<UnitLeaves>(operands_of(copy).tensors.size(), units);
}

UnitLeaves units_of_columns(const Split& split, const Tensor& x) {
  if (!is_divided(x.spec.axis)) return {};
  const int64_t unit = x.spec.axis == Axis::chosen ? 1 : x.spec.width;
  UnitLeaves leaves = split.leaves;
  for (auto& leaf : leaves)
    for (ColumnRange& range : leaf) {
      if (range.begin % unit != 0 || range.end % unit != 0) return {};
      range = {range.begin / unit, range.end / unit};
    }
  return leaves;
}

UnitLeaves vocabulary_leaves(int64_t units) {
  const int64_t blocks = (units + kBlockRows - 1) / kBlockRows;
  const int64_t count = std::min(kVocabularyLeaves, blocks);
  UnitLeaves leaves;
  for (int64_t leaf = 0; leaf < count; leaf++)
    leaves.push_back({{blocks * leaf / count * kBlockRows,
                       std::min(units, blocks * (leaf + 1) / count * kBlockRows)}});
  return leaves;
}

UnitLeaves kv_units(const UnitLeaves& heads, int64_t group) {
  std::vector<std::map<int64_t, int64_t>> queries(heads.size());  // by leaf, of each KV head
  each_unit(heads, [&](size_t leaf, int64_t head) { queries[leaf][head / group]++; });
  int64_t run = 0;
  for (const auto& leaf : queries)
    for (const auto& [head, count] : leaf) run = std::gcd(run, count);
  UnitLeaves units(heads.size());
  for (size_t leaf = 0; leaf < units.size(); leaf++)
    for (const auto& [head, count] : queries[leaf])
      for (int64_t i = 0; i < count / run; i++) units[leaf].push_back({head, head + 1});
  return units;
}

}  // namespace troika
