#include "plan/member_memory.h"

#include <optional>
#include <variant>

#include "graph/sharding.h"
#include "runtime/memory_check.h"

namespace troika {
namespace {

/// The graphs of a model as one member runs them; what it has of states.
struct MemberParts {
  const Graph* trunk = nullptr;
  const Graph* draft = nullptr;
  std::vector<std::optional<StateSpec>> states;
};

/// Of sharded graphs, or of the whole model where there are none.
MemberParts parts_of(const Model& model, const std::optional<ShardedGraph>& trunk,
                     const std::optional<ShardedGraph>& draft, size_t member) {
  MemberParts parts;
  if (!trunk) {
    parts = {.trunk = &model.trunk, .draft = model.draft ? &*model.draft : nullptr};
    for (const StateInfo& state : model.states) parts.states.emplace_back(state.spec);
    return parts;
  }
  parts.trunk = &trunk->members[member].graph;
  parts.states = trunk->members[member].states;
  if (!draft) return parts;
  parts.draft = &draft->members[member].graph;
  const auto& states = draft->members[member].states;
  for (size_t id = 0; id < states.size(); id++)
    if (!parts.states[id]) parts.states[id] = states[id];
  return parts;
}

int64_t weight_bytes(const Model& model, const Shares& shares, size_t member,
                     const Device& device) {
  int64_t bytes = 0;
  for (const WeightInfo& weight : model.weights) {
    if (shares.size() == 1) {
      bytes += device.weight_bytes(weight);
      continue;
    }
    const WeightCut cut = cut_weight(weight, shares, static_cast<int64_t>(member));
    if (cut.weight.present()) bytes += device.weight_bytes(part_of(weight, cut));
    if (weight.use == WeightUse::matmul_lookup) bytes += device.weight_bytes(table_of(weight));
  }
  return bytes;
}

void add_states(const MemberParts& parts, const ForwardOptions& options, MemberMemory& memory) {
  const StateOptions states{.kv_dtype = options.kv_dtype, .log_tokens = options.draft_tokens_max};
  for (const auto& spec : parts.states) {
    if (!spec) continue;
    const int64_t bytes = Forward::state_units(*spec, options) * state_unit_bytes(*spec, states);
    (std::holds_alternative<KvState>(*spec) ? memory.kv : memory.states) += bytes;
  }
}

}  // namespace

Result<std::vector<MemberMemory>> member_memory(const Model& model, const EngineOptions& options,
                                                const Shares& shares,
                                                std::span<const Device* const> devices) {
  for (const StateInfo& state : model.states)
    if (const Status status = check_state(state.spec, {.kv_dtype = options.kv_dtype}); !status.ok())
      return fail(status.error().code(), "{}: {}", state.name, status.error().message());
  std::optional<ShardedGraph> trunk, draft;
  if (shares.size() > 1) {
    TROIKA_TRY(trunk, shard(model.trunk, model.weights, model.states, shares));
    if (model.draft) {
      TROIKA_TRY(draft, shard(*model.draft, model.weights, model.states, shares));
    }
  }
  const ForwardOptions forward = Engine::forward_need(model, options);
  const Sizes sizes = Forward::sizes(forward);
  std::vector<MemberMemory> members(shares.size());
  for (size_t m = 0; m < members.size(); m++) {
    const MemberParts parts = parts_of(model, trunk, draft, m);
    const Device& device = *devices[m];
    MemberMemory& memory = members[m];
    memory.own = device.info().elsewhere_bytes;
    memory.weights = weight_bytes(model, shares, m, device);
    add_states(parts, forward, memory);
    memory.work =
        Forward::buffer_bytes(model.info, forward) + device.program_bytes(*parts.trunk, sizes);
    if (parts.draft != nullptr) memory.work += device.program_bytes(*parts.draft, sizes);
  }
  return members;
}

Status check_fit(std::span<const MemberMemory> members, std::span<const std::string> names,
                 int64_t available_bytes) {
  int64_t left = available_bytes;
  for (size_t m = 0; m < members.size(); m++) {
    const MemberMemory& memory = members[m];
    const int64_t there = memory.own > 0 ? memory.own : left;
    if (memory.total() > there) {
      const auto text = [](int64_t bytes) { return bytes_text(static_cast<double>(bytes)); };
      return fail(
          ErrorCode::exhausted,
          "member {} of {} ({}) needs {} (weights {}, keys and values {}, other states {}, "
          "work {}) and {} are there{}; wanted a smaller --ctx-size, fewer --users or a "
          "smaller model",
          m, members.size(), names[m], text(memory.total()), text(memory.weights), text(memory.kv),
          text(memory.states), text(memory.work), text(there),
          there == available_bytes || memory.own > 0 ? "" : " beside the members before it");
    }
    if (memory.own == 0) left -= memory.total();
  }
  return ok();
}

}  // namespace troika
