#include "graph/sharding.h"

#include <algorithm>
#include <utility>

#include "graph/operands.h"
#include "graph/shard_rules.h"
#include "graph/shard_wishes.h"

namespace troika {
namespace {

constexpr Tensor kNothing{};  // a value that a member has no part of

/// What members have of a value of the whole graph.
enum class Form : uint8_t {
  whole,    // each all of it
  units,    // each its own
  scatter,  // each the rows of its own blocks
  parts,    // sums over leaves; to be exchanged before they are read
  pairs     // choices; likewise
};

struct Value {
  Form form = Form::whole;
  Spec spec;                  // of the whole
  std::vector<Tensor> local;  // by member; kNothing where it has none
  std::vector<LeafRun> runs;  // of parts
};

class Sharder {
 public:
  Sharder(const Graph& graph, std::span<const WeightInfo> weights,
          std::span<const StateInfo> states, const Shares& shares)
      : graph_(graph),
        weights_(weights),
        states_(states),
        shares_(shares),
        wishes_(find_wishes(graph, weights)),
        values_(graph.nodes().size()) {
    sharded_.members.resize(shares.size());
    for (MemberGraph& member : sharded_.members) member.states.resize(states.size());
    wishes_.states.resize(states.size());
  }

  Result<ShardedGraph> run() {
    TROIKA_RETURN_IF_ERROR(check_weights());
    for (const Node& node : graph_.nodes()) {
      Value& value = value_of(node.value);
      value.spec = node.value.spec;
      value.local.assign(shares_.size(), kNothing);
      if (const Status status = add(node, value); !status.ok())
        return fail(status.error().code(), "op {} ({}): {}", node.value.id, op_name(node.op),
                    status.error().message());
    }
    TROIKA_RETURN_IF_ERROR(name_results());
    for (const MemberGraph& member : sharded_.members) TROIKA_RETURN_IF_ERROR(member.graph.check());
    return std::move(sharded_);
  }

 private:
  int64_t members() const { return std::ssize(shares_); }
  Graph& graph_of(int64_t member) { return sharded_.members[static_cast<size_t>(member)].graph; }
  Value& value_of(const Tensor& tensor) { return values_[static_cast<size_t>(tensor.id)]; }
  Tensor& local(const Tensor& tensor, int64_t member) {
    return value_of(tensor).local[static_cast<size_t>(member)];
  }
  const UnitLeaves& wish_of(const Tensor& tensor) const {
    return wishes_.values[static_cast<size_t>(tensor.id)];
  }
  const WeightInfo& info_of(const Weight& weight) const {
    return weights_[static_cast<size_t>(weight.id)];
  }

  /// Whether weights are shared as this graph wants them.
  Status check_weights() const {
    for (size_t id = 0; id < weights_.size(); id++)
      if (wishes_.weights_read[id] && wishes_.weights[id] != weights_[id].sharing)
        return fail(ErrorCode::unsupported,
                    "{} is wanted in other units here than elsewhere in the model",
                    weights_[id].name);
    return ok();
  }

  Status add(const Node& node, Value& value) {
    Op op = node.op;
    const Operands operands = operands_of(op);
    switch (shard_rule(op)) {
      case ShardRule::whole:
        return add_whole(op, operands, value);
      case ShardRule::units:
        return add_units(op, operands, value, node.value);
      case ShardRule::product:
        return add_product(op, operands, value, node.value);
      case ShardRule::choice:
        return add_choice(op, operands, value);
      case ShardRule::joins:
        break;
    }
    return fail(ErrorCode::invalid_argument, "the graph has been sharded before");
  }

  Status add_whole(Op& op, const Operands& operands, Value& value) {
    for (const Tensor* tensor : operands.tensors) TROIKA_RETURN_IF_ERROR(make_whole(*tensor));
    if (operands.state != nullptr) use_state(*operands.state, {});
    // The rows of a table that is a matrix too are with their members; lookups have a copy.
    for (Weight* weight : operands.weights)
      if (info_of(*weight).use == WeightUse::matmul_lookup)
        weight->id += static_cast<int32_t>(weights_.size());
    const std::vector<Tensor> global = copies(operands);
    for (int64_t member = 0; member < members(); member++) {
      for (size_t i = 0; i < global.size(); i++) *operands.tensors[i] = local(global[i], member);
      value.local[static_cast<size_t>(member)] = graph_of(member).append(op);
    }
    value.form = Form::whole;
    return ok();
  }

  static std::vector<Tensor> copies(const Operands& operands) {
    std::vector<Tensor> tensors;
    for (const Tensor* tensor : operands.tensors) tensors.push_back(*tensor);
    return tensors;
  }

  Status add_units(Op& op, const Operands& operands, Value& value, const Tensor& global) {
    const UnitLeaves& units = std::holds_alternative<KvWrite>(op)
                                  ? wishes_.states[static_cast<size_t>(operands.state->id)]
                                  : wish_of(global);
    if (units.empty()) return add_whole(op, operands, value);
    const std::vector<UnitLeaves> wished = wished_operands(op, units);
    const std::vector<Tensor> tensors = copies(operands);
    for (size_t i = 0; i < tensors.size(); i++) {
      if (wished[i].empty())
        TROIKA_RETURN_IF_ERROR(make_whole(tensors[i]));
      else
        TROIKA_RETURN_IF_ERROR(check_units(tensors[i], wished[i]));
    }
    if (operands.state != nullptr) use_state(*operands.state, unit_leaves_of_state(op, units));
    const std::vector<Weight> whole = weights_of(operands);
    for (int64_t member = 0; member < members(); member++) {
      if (units_of(units, leaves_of(std::ssize(units), shares_, member)).empty()) continue;
      for (size_t i = 0; i < tensors.size(); i++) *operands.tensors[i] = local(tensors[i], member);
      for (size_t i = 0; i < whole.size(); i++)
        *operands.weights[i] = cut_weight(info_of(whole[i]), shares_, member).weight;
      if (auto* attention = std::get_if<Attention>(&op))
        attention->kv_heads = std::get<KvState>(*state_of(*operands.state, member)).kv_heads;
      value.local[static_cast<size_t>(member)] = graph_of(member).append(op);
    }
    value.form = Form::units;
    return ok();
  }

  static std::vector<Weight> weights_of(const Operands& operands) {
    std::vector<Weight> weights;
    for (const Weight* weight : operands.weights) weights.push_back(*weight);
    return weights;
  }

  Status add_product(Op& op, const Operands& operands, Value& value, const Tensor& global) {
    const WeightInfo& info = info_of(*operands.weights[0]);
    const Tensor x = *operands.tensors[0];
    const bool columns = info.sharing.columns;
    if (columns) TROIKA_RETURN_IF_ERROR(check_units(x, units_of_columns(info.split, x)));
    for (size_t i = columns ? 1 : 0; i < operands.tensors.size(); i++)
      TROIKA_RETURN_IF_ERROR(make_whole(*operands.tensors[i]));
    const std::vector<Tensor> tensors = copies(operands);
    for (int64_t member = 0; member < members(); member++) {
      const WeightCut cut = cut_weight(info, shares_, member);
      if (!cut.weight.present()) continue;
      *operands.weights[0] = cut.weight;
      for (size_t i = 0; i < tensors.size(); i++) *operands.tensors[i] = local(tensors[i], member);
      if (columns) note_parts(op, info, member, value);
      if (auto* blocks = std::get_if<MatMulBlocks>(&op)) {
        blocks->first_block = cut.rows[0].begin / kBlockRows;
        blocks->total_blocks = info.weight.rows() / kBlockRows;
      }
      value.local[static_cast<size_t>(member)] = graph_of(member).append(op);
    }
    if (columns)
      value.form = Form::parts;
    else if (std::holds_alternative<MatMulBlocks>(op))
      value.form = Form::scatter;
    else
      value.form = wish_of(global).empty() ? Form::whole : Form::units;
    return ok();
  }

  /// Lets `op` of a member add up its leaves in parts, where they are no one subtree.
  void note_parts(Op& op, const WeightInfo& info, int64_t member, Value& value) const {
    const int64_t leaves = std::ssize(info.split.leaves);
    const std::vector<int64_t> parts = subtrees_of(leaves, leaves_of(leaves, shares_, member));
    for (size_t i = 0; i < parts.size(); i++)
      value.runs.push_back({parts[i], member, static_cast<int64_t>(i)});
    const std::vector<int64_t> named = parts.size() > 1 ? parts : std::vector<int64_t>();
    if (auto* matmul = std::get_if<MatMul>(&op)) matmul->parts = named;
    if (auto* sum = std::get_if<ExpertSum>(&op)) sum->parts = named;
  }

  Status add_choice(Op& op, const Operands& operands, Value& value) {
    const Tensor x = *operands.tensors[0];
    if (value_of(x).form != Form::units && value_of(x).form != Form::scatter)
      return add_whole(op, operands, value);
    int64_t first = 0;
    for (int64_t member = 0; member < members(); member++) {
      const Tensor mine = local(x, member);
      if (mine.id < 0) continue;
      value.local[static_cast<size_t>(member)] = graph_of(member).append(ArgmaxPair{mine, first});
      if (value_of(x).form == Form::units) first += mine.spec.units;
    }
    value.form = Form::pairs;
    return ok();
  }

  Status check_units(const Tensor& tensor, const UnitLeaves& units) {
    if (value_of(tensor).form == Form::units && wish_of(tensor) == units) return ok();
    return fail(ErrorCode::unsupported, "value {} is wanted in two ways", tensor.id);
  }

  /// Makes members have all of a value, if by an exchange.
  Status make_whole(const Tensor& tensor) {
    const Value& value = value_of(tensor);
    if (value.form == Form::parts || value.form == Form::pairs) exchange(value.spec.rows);
    if (value.form == Form::whole) return ok();
    return fail(ErrorCode::unsupported, "value {} is wanted whole and in units", tensor.id);
  }

  /// One exchange for all that waits for one.
  void exchange(Rows rows) {
    std::vector<Value*> waiting;
    for (Value& value : values_)
      if (value.spec.rows == rows && (value.form == Form::parts || value.form == Form::pairs))
        waiting.push_back(&value);
    std::vector<std::vector<ShownAt>> shown(waiting.size());  // [value][member]
    std::vector<Tensor> exchanges;
    for (size_t m = 0; m < shares_.size(); m++) {
      Exchange op{.rows = rows, .values = {}};
      int64_t row = 0;
      for (size_t i = 0; i < waiting.size(); i++) {
        const Tensor& mine = waiting[i]->local[m];
        const int64_t elements = mine.id < 0 ? 0 : mine.spec.elements();
        shown[i].push_back({.row_elements = 0, .offset = row, .elements = elements});
        if (mine.id >= 0) op.values.push_back(mine);
        row += elements;
      }
      for (auto& of_value : shown) of_value[m].row_elements = row;
      exchanges.push_back(graph_of(static_cast<int64_t>(m)).append(std::move(op)));
    }
    for (size_t i = 0; i < waiting.size(); i++) join(*waiting[i], shown[i], exchanges);
    sharded_.exchanges++;
  }

  void join(Value& value, const std::vector<ShownAt>& shown, const std::vector<Tensor>& exchanges) {
    for (size_t m = 0; m < shares_.size(); m++) {
      Graph& graph = sharded_.members[m].graph;
      value.local[m] = value.form == Form::parts
                           ? graph.append(SumParts{exchanges[m], shown, value.runs, value.spec})
                           : graph.append(BestPair{exchanges[m], shown, value.spec});
    }
    value.form = Form::whole;
  }

  /// In which units `op` has its state.
  UnitLeaves unit_leaves_of_state(const Op& op, const UnitLeaves& units) const {
    const auto* attention = std::get_if<Attention>(&op);
    if (attention == nullptr) return units;
    return kv_units(units, attention->q.spec.units / attention->kv_heads);
  }

  /// Says what members have of a state; none of `units`: all.
  void use_state(State state, const UnitLeaves& units) {
    const StateSpec& whole = states_[static_cast<size_t>(state.id)].spec;
    for (int64_t member = 0; member < members(); member++) {
      std::optional<StateSpec>& mine = state_of(state, member);
      if (units.empty()) {
        mine = whole;
        continue;
      }
      const int64_t count =
          count_units(units_of(units, leaves_of(std::ssize(units), shares_, member)));
      if (count > 0) mine = part_of(whole, count, units);
    }
  }

  std::optional<StateSpec>& state_of(State state, int64_t member) {
    return sharded_.members[static_cast<size_t>(member)].states[static_cast<size_t>(state.id)];
  }

  /// `count` units of a state whose units are those of `leaves`.
  static StateSpec part_of(const StateSpec& whole, int64_t count, const UnitLeaves& leaves) {
    int64_t units = 0;
    for (const auto& leaf : leaves) units += count_units(leaf);
    StateSpec part = whole;
    if (auto* kv = std::get_if<KvState>(&part)) kv->kv_heads = count;
    if (auto* conv = std::get_if<ConvState>(&part)) conv->channels = conv->channels / units * count;
    if (auto* delta = std::get_if<DeltaState>(&part)) delta->heads = count;
    return part;
  }

  Status name_results() {
    if (const auto& argmax = graph_.output(Output::argmax)) {
      TROIKA_RETURN_IF_ERROR(make_whole(*argmax));
      for (int64_t member = 0; member < members(); member++)
        graph_of(member).output(Output::argmax, local(*argmax, member));
    }
    const auto& logits = graph_.output(Output::logits);
    if (!logits) return ok();
    const Value& value = value_of(*logits);
    if (value.form == Form::parts) TROIKA_RETURN_IF_ERROR(make_whole(*logits));
    sharded_.logits = value.form == Form::whole   ? LogitsForm::whole
                      : value.form == Form::units ? LogitsForm::units
                                                  : LogitsForm::scatter;
    for (MemberGraph& member : sharded_.members) {
      const Tensor& mine = local(*logits, &member - sharded_.members.data());
      if (mine.id < 0) continue;
      member.graph.output(Output::logits, mine);
      member.logits = mine.spec.elements();
    }
    return ok();
  }

  const Graph& graph_;
  std::span<const WeightInfo> weights_;
  std::span<const StateInfo> states_;
  const Shares& shares_;
  ShardWishes wishes_;
  std::vector<Value> values_;
  ShardedGraph sharded_;
};

}  // namespace

void assign_sharing(std::span<const Graph* const> graphs, std::span<WeightInfo> weights) {
  std::vector<bool> assigned(weights.size());
  for (const Graph* graph : graphs) {
    const ShardWishes wishes = find_wishes(*graph, weights);
    for (size_t id = 0; id < weights.size(); id++) {
      if (!wishes.weights_read[id] || assigned[id]) continue;
      weights[id].sharing = wishes.weights[id];
      assigned[id] = true;
    }
  }
}

Result<ShardedGraph> shard(const Graph& graph, std::span<const WeightInfo> weights,
                           std::span<const StateInfo> states, const Shares& shares) {
  TROIKA_RETURN_IF_ERROR(check_shares(shares));
  TROIKA_RETURN_IF_ERROR(graph.check());
  return Sharder(graph, weights, states, shares).run();
}

}  // namespace troika
