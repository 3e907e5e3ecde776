#include "device/remote/fields.h"

#include <algorithm>
#include <initializer_list>
#include <span>

#include "graph/operands.h"

namespace troika::remote {
namespace {

constexpr int64_t kLengthMax = int64_t{1} << 31;    // of an axis
constexpr int64_t kElementsMax = int64_t{1} << 40;  // of a weight, or of a row

bool are_lengths(std::initializer_list<int64_t> numbers) {
  return std::ranges::all_of(numbers, [](int64_t n) { return n >= 0 && n <= kLengthMax; });
}

bool is_shape(const Spec& spec) {
  return spec.units >= 1 && spec.width >= 1 && spec.units <= kElementsMax / spec.width;
}

bool are_places(std::span<const ShownAt> shown) {
  return std::ranges::all_of(shown, [](const ShownAt& at) {
    return are_lengths({at.row_elements, at.offset, at.elements});
  });
}

/// Whether the numbers of an op that shapes are multiplied from can be multiplied.
struct HasSaneNumbers {
  bool operator()(const MatMulBlocks& o) const {
    return are_lengths({o.blocks, o.first_block, o.total_blocks});
  }
  bool operator()(const Attention& o) const { return are_lengths({o.kv_heads, o.value_dim}); }
  bool operator()(const Slice& o) const { return are_lengths({o.begin, o.width}); }
  bool operator()(const LoadRows& o) const { return are_lengths({o.width}); }
  bool operator()(const BlockRow& o) const { return are_lengths({o.blocks}); }
  bool operator()(const ArgmaxPair& o) const { return are_lengths({o.first}); }
  bool operator()(const RouterTopK& o) const {
    return are_lengths({o.options.used, o.options.groups});
  }
  bool operator()(const SumParts& o) const {
    return is_shape(o.value) && are_places(o.shown) &&
           std::ranges::all_of(o.runs, [&](const LeafRun& run) {
             return are_lengths({run.leaves, run.member, run.part}) &&
                    run.part < kElementsMax / o.value.elements();
           });
  }
  bool operator()(const BestPair& o) const { return is_shape(o.value) && are_places(o.shown); }
  template <typename AnyOther>
  bool operator()(const AnyOther&) const {
    return true;
  }
};

bool is_value(const Graph& graph, const Tensor& tensor) {
  return tensor.id >= 0 && tensor.id < graph.values() &&
         graph.nodes()[static_cast<size_t>(tensor.id)].value.spec == tensor.spec;
}

bool is_sound(Op& op, const Graph& graph) {
  const Operands operands = operands_of(op);
  const auto sane = [](const Weight* weight) { return is_sane(*weight); };
  return std::ranges::all_of(operands.tensors,
                             [&](const Tensor* tensor) { return is_value(graph, *tensor); }) &&
         std::ranges::all_of(operands.weights, sane) && std::visit(HasSaneNumbers{}, op);
}

}  // namespace

bool is_sane(const Weight& weight) {
  int64_t elements = 1;
  for (const int64_t length : {weight.units, weight.width, weight.inputs, weight.experts}) {
    if (length < 0 || length > kLengthMax) return false;
    if (length > 0 && elements > kElementsMax / length) return false;
    elements *= length;
  }
  return true;
}

bool is_sane(const StateSpec& spec, const StateOptions& options) {
  constexpr int64_t kUnitMax = int64_t{1} << 20;  // of what is multiplied twice
  const auto within = [](int64_t max, std::initializer_list<int64_t> lengths) {
    return std::ranges::all_of(lengths, [max](int64_t n) { return n >= 0 && n <= max; });
  };
  struct Sane {
    const decltype(within)& in;
    bool operator()(const KvState& s) const {
      return in(kUnitMax, {s.kv_heads, s.key_dim, s.value_dim});
    }
    bool operator()(const ConvState& s) const {
      return in(kLengthMax, {s.channels}) && in(kUnitMax, {s.taps});
    }
    bool operator()(const DeltaState& s) const {
      return in(kUnitMax, {s.heads, s.key_dim, s.value_dim});
    }
    bool operator()(const HiddenState& s) const { return in(kLengthMax, {s.width}); }
  };
  return within(kUnitMax, {options.log_tokens}) && std::visit(Sane{within}, spec);
}

void encode(Writer& at, Graph& graph) {
  at(static_cast<int64_t>(graph.nodes().size()));
  for (const Node& node : graph.nodes()) at(node.op);
  for (int i = 0; i < kOutputs; i++) {
    const std::optional<Tensor>& output = graph.output(static_cast<Output>(i));
    at(output.has_value(), output.value_or(Tensor{}));
  }
}

void encode(Reader& at, Graph& graph) {
  int64_t count = 0;
  at(count);
  if (count < 0 || count > std::ssize(at.rest())) at.fail("more ops than the message holds");
  for (int64_t i = 0; i < count && at.status().ok(); i++) {
    Op op;
    at(op);
    if (!at.status().ok()) return;
    if (!is_sound(op, graph)) return at.fail(fmt::format("op {}: operands that are none", i));
    const Spec spec = graph.append(std::move(op)).spec;
    if (spec.units < 0 || spec.width < 0 ||
        spec.units > kElementsMax / std::max<int64_t>(1, spec.width))
      return at.fail(fmt::format("op {}: rows too long", i));
  }
  for (int i = 0; i < kOutputs; i++) {
    bool present = false;
    Tensor value;
    at(present, value);
    if (!present) continue;
    if (!is_value(graph, value)) return at.fail("a result that is no value");
    graph.output(static_cast<Output>(i), value);
  }
  if (const Status status = graph.check(); !status.ok()) at.fail(status.error().message());
}

}  // namespace troika::remote
