#include "device/reference/program.h"

#include <algorithm>
#include <string_view>

namespace troika::reference {
namespace {

struct StateUse {
  State state;
  StateSpec wanted;
};

/// What an op reads, for checks and for knowing when a value is no longer needed.
struct Uses {
  std::vector<Tensor> tensors;
  std::vector<Weight> weights;
  std::optional<StateUse> state;
};

struct UsesOf {
  Uses operator()(const Embed& o) const { return {{}, {o.table}, {}}; }
  Uses operator()(const MatMul& o) const { return {{o.x}, {o.w}, {}}; }
  Uses operator()(const MatMulBlocks& o) const { return {{o.x}, {o.w}, {}}; }
  Uses operator()(const RmsNorm& o) const { return {{o.x}, {o.weight}, {}}; }
  Uses operator()(const L2Norm& o) const { return {{o.x}, {}, {}}; }
  Uses operator()(const Rope& o) const { return {{o.x}, {}, {}}; }
  Uses operator()(const KvWrite& o) const {
    return {
        {o.k, o.v}, {}, StateUse{o.state, KvState{o.k.spec.units, o.k.spec.width, o.v.spec.width}}};
  }
  Uses operator()(const Attention& o) const {
    return {{o.q}, {}, StateUse{o.state, KvState{o.kv_heads, o.q.spec.width, o.value_dim}}};
  }
  Uses operator()(const CausalConv& o) const {
    return {{o.x}, {o.taps}, StateUse{o.state, ConvState{o.x.spec.elements(), o.taps.inputs}}};
  }
  Uses operator()(const GatedDeltaRule& o) const {
    return {{o.q, o.k, o.v, o.decay_in, o.beta_in},
            {o.a, o.decay_bias},
            StateUse{o.state, DeltaState{o.v.spec.units, o.k.spec.width, o.v.spec.width}}};
  }
  Uses operator()(const RouterTopK& o) const {
    Uses uses{{o.logits}, {}, {}};
    if (o.selection_bias.present()) uses.weights.push_back(o.selection_bias);
    return uses;
  }
  Uses operator()(const ExpertMatMul& o) const { return {{o.x, o.routing.chosen}, {o.w}, {}}; }
  Uses operator()(const ExpertSum& o) const { return {{o.x, o.routing.chosen}, {o.w}, {}}; }
  Uses operator()(const Add& o) const { return {{o.a, o.b}, {}, {}}; }
  Uses operator()(const AddBias& o) const { return {{o.x}, {o.bias}, {}}; }
  Uses operator()(const SwiGlu& o) const { return {{o.gate, o.up}, {}, {}}; }
  Uses operator()(const Gate& o) const { return {{o.x, o.gate}, {}, {}}; }
  Uses operator()(const Concat& o) const { return {{o.a, o.b}, {}, {}}; }
  Uses operator()(const Slice& o) const { return {{o.x}, {}, {}}; }
  Uses operator()(const GatherRows& o) const { return {{o.x}, {}, {}}; }
  Uses operator()(const StoreRows& o) const {
    return {{o.x}, {}, StateUse{o.state, HiddenState{o.x.spec.elements()}}};
  }
  Uses operator()(const LoadRows& o) const {
    return {{}, {}, StateUse{o.state, HiddenState{o.width}}};
  }
  Uses operator()(const Argmax& o) const { return {{o.x}, {}, {}}; }
  Uses operator()(const BlockRow& o) const { return {{o.x}, {}, {}}; }
  Uses operator()(const ArgmaxPair& o) const { return {{o.x}, {}, {}}; }
  Uses operator()(const Exchange& o) const { return {o.values, {}, {}}; }
  Uses operator()(const SumParts& o) const { return {{o.exchange}, {}, {}}; }
  Uses operator()(const BestPair& o) const { return {{o.exchange}, {}, {}}; }
};

bool same_state(const StateSpec& a, const StateSpec& b) {
  if (a.index() != b.index()) return false;
  if (const auto* kv = std::get_if<KvState>(&a)) {
    const auto& other = std::get<KvState>(b);
    return kv->kv_heads == other.kv_heads && kv->key_dim == other.key_dim &&
           kv->value_dim == other.value_dim;
  }
  if (const auto* conv = std::get_if<ConvState>(&a)) {
    const auto& other = std::get<ConvState>(b);
    return conv->channels == other.channels && conv->taps == other.taps;
  }
  if (const auto* delta = std::get_if<DeltaState>(&a)) {
    const auto& other = std::get<DeltaState>(b);
    return delta->heads == other.heads && delta->key_dim == other.key_dim &&
           delta->value_dim == other.value_dim;
  }
  return std::get<HiddenState>(a).width == std::get<HiddenState>(b).width;
}

Result<const FloatMatrix*> find_weight(const Weight& weight, const Resources& resources) {
  if (weight.id < 0 || weight.id >= std::ssize(resources.weights))
    return fail(ErrorCode::invalid_argument, "weight {} of {}", weight.id,
                resources.weights.size());
  const ImportedWeight* imported = resources.weights[static_cast<size_t>(weight.id)];
  const auto* matrix = dynamic_cast<const FloatMatrix*>(imported);
  if (matrix == nullptr)
    return fail(ErrorCode::invalid_argument, "weight {} was not imported by this device",
                weight.id);
  if (matrix->rows != weight.rows() || matrix->inputs != weight.inputs)
    return fail(ErrorCode::invalid_argument, "weight {} is [{}, {}], wanted [{}, {}]", matrix->name,
                matrix->rows, matrix->inputs, weight.rows(), weight.inputs);
  return matrix;
}

Result<const HostBuffer*> find_state(const StateUse& use, const Resources& resources) {
  const int32_t id = use.state.id;
  if (id < 0 || id >= std::ssize(resources.states) || id >= std::ssize(resources.state_infos))
    return fail(ErrorCode::invalid_argument, "state {} of {}", id, resources.states.size());
  const std::string& name = resources.state_infos[static_cast<size_t>(id)].name;
  const auto* buffer = dynamic_cast<const HostBuffer*>(resources.states[static_cast<size_t>(id)]);
  if (buffer == nullptr || !buffer->state)
    return fail(ErrorCode::invalid_argument, "state {} was not allocated by this device", name);
  if (!same_state(buffer->state->spec, use.wanted))
    return fail(ErrorCode::invalid_argument, "state {} has other sizes than the op", name);
  const StateOptions& options = buffer->state->options;
  if (options.kv_dtype != resources.state_options.kv_dtype ||
      options.log_tokens != resources.state_options.log_tokens)
    return fail(ErrorCode::invalid_argument, "state {} was allocated with other options", name);
  return buffer;
}

Status bind(Program& program, int32_t number, const Resources& resources) {
  const Uses uses = std::visit(UsesOf{}, program.nodes[static_cast<size_t>(number)].op);
  for (const Tensor& tensor : uses.tensors) {
    if (tensor.id < 0 || tensor.id >= number)
      return fail(ErrorCode::invalid_argument, "reads value {}, which is not made before it",
                  tensor.id);
    program.last_use[static_cast<size_t>(tensor.id)] = number;
  }
  for (const Weight& weight : uses.weights) {
    TROIKA_TRY(program.weights[static_cast<size_t>(weight.id)], find_weight(weight, resources));
  }
  if (uses.state) {
    TROIKA_TRY(program.states[static_cast<size_t>(uses.state->state.id)],
               find_state(*uses.state, resources));
  }
  return ok();
}

}  // namespace

Result<std::unique_ptr<Program>> make_program(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources) {
  TROIKA_RETURN_IF_ERROR(graph.check());
  auto program = std::make_unique<Program>();
  program->nodes = graph.nodes();
  program->sizes = sizes;
  program->weights.resize(resources.weights.size());
  program->states.resize(resources.states.size());
  program->last_use.resize(program->nodes.size());
  for (int32_t i = 0; i < graph.values(); i++) {
    program->last_use[static_cast<size_t>(i)] = i;
    const Status status = bind(*program, i, resources);
    if (!status.ok())
      return fail(status.error().code(), "op {} ({}): {}", i,
                  op_name(program->nodes[static_cast<size_t>(i)].op), status.error().message());
  }
  for (int i = 0; i < kOutputs; i++) {
    const std::optional<Tensor>& value = graph.output(static_cast<Output>(i));
    program->outputs[static_cast<size_t>(i)] = value;
    if (!value) continue;
    if (value->id < 0 || value->id >= graph.values())
      return fail(ErrorCode::invalid_argument, "output {} is value {} of {}", i, value->id,
                  graph.values());
    program->last_use[static_cast<size_t>(value->id)] = graph.values();
  }
  return program;
}

}  // namespace troika::reference
