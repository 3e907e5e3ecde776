#include "engine/memory_plan.h"

#include <variant>

namespace troika {

double MemoryPlan::draft_head_share() const {
  const int64_t trunk = weights.trunk + kv.trunk;
  return trunk == 0
             ? 0
             : static_cast<double>(weights.draft_head + kv.draft_head) / static_cast<double>(trunk);
}

MemoryPlan plan_memory(std::span<const WeightInfo> weights, std::span<const StateInfo> states,
                       const MemoryNeed& need) {
  MemoryPlan plan{.spill = need.spill_bytes};
  for (const WeightInfo& info : weights) {
    const int64_t bytes = dtype_bytes(info.dtype, info.weight.rows() * info.weight.inputs);
    (info.draft_head ? plan.weights.draft_head : plan.weights.trunk) += bytes;
  }
  for (const StateInfo& state : states) {
    const int64_t unit = state_unit_bytes(state.spec, need.options);
    if (!std::holds_alternative<KvState>(state.spec)) plan.checkpoints += unit * need.checkpoints;
    if (std::holds_alternative<KvState>(state.spec)) {
      (state.draft_head ? plan.kv.draft_head : plan.kv.trunk) += unit * need.pages;
    } else if (std::holds_alternative<HiddenState>(state.spec)) {
      plan.hidden += unit * need.hidden_rows;
    } else {
      const int64_t log = state_log_bytes(state.spec);
      plan.log_per_token += log;
      plan.log += log * need.options.log_tokens * need.sequences;
      plan.recurrent += (unit - log * need.options.log_tokens) * need.sequences;
    }
  }
  return plan;
}

}  // namespace troika
