#include "device/cpu/resources.h"

namespace troika::cpu {
namespace {

Error misfit(const Weight& weight, int64_t rows, int64_t columns) {
  return fail(ErrorCode::invalid_argument, "weight {} is [{}, {}], wanted [{}, {}]", weight.id,
              rows, columns, weight.rows(), weight.inputs);
}

template <typename Kind>
Result<const Kind*> find(const Resources& resources, const Weight& weight, const char* use) {
  TROIKA_TRY(const ImportedWeight* imported, find_weight(resources, weight));
  const auto* kind = dynamic_cast<const Kind*>(imported);
  if (kind == nullptr)
    return fail(ErrorCode::invalid_argument, "weight {} was not imported by this device as a {}",
                weight.id, use);
  if (kind->rows() != weight.rows() || kind->columns() != weight.inputs)
    return misfit(weight, kind->rows(), kind->columns());
  return kind;
}

}  // namespace

Result<const ImportedWeight*> find_weight(const Resources& resources, const Weight& weight) {
  if (weight.id < 0 || weight.id >= std::ssize(resources.weights))
    return fail(ErrorCode::invalid_argument, "weight {} of {}", weight.id,
                resources.weights.size());
  const ImportedWeight* imported = resources.weights[static_cast<size_t>(weight.id)];
  if (imported == nullptr)
    return fail(ErrorCode::invalid_argument, "weight {} has not been imported", weight.id);
  return imported;
}

Result<const VectorWeight*> find_vector(const Resources& resources, const Weight& weight) {
  return find<VectorWeight>(resources, weight, "vector");
}

Result<const PackedMatrix*> find_matrix(const Resources& resources, const Weight& weight) {
  return find<PackedMatrix>(resources, weight, "matrix");
}

Result<const PackedExperts*> find_experts(const Resources& resources, const Weight& weight) {
  TROIKA_TRY(const PackedExperts* experts,
             find<PackedExperts>(resources, weight, "stack of experts"));
  if (experts->experts() != weight.experts)
    return fail(ErrorCode::invalid_argument, "weight {} has {} experts, wanted {}", weight.id,
                experts->experts(), weight.experts);
  return experts;
}

Result<const CpuBuffer*> find_state(const Resources& resources, State state,
                                    const StateSpec& wanted) {
  if (state.id < 0 || state.id >= std::ssize(resources.states))
    return fail(ErrorCode::invalid_argument, "state {} of {}", state.id, resources.states.size());
  const std::string name = state.id < std::ssize(resources.state_infos)
                               ? resources.state_infos[static_cast<size_t>(state.id)].name
                               : std::to_string(state.id);
  const auto* buffer =
      dynamic_cast<const CpuBuffer*>(resources.states[static_cast<size_t>(state.id)]);
  if (buffer == nullptr || !buffer->state)
    return fail(ErrorCode::invalid_argument, "state {} was not allocated by this device", name);
  if (buffer->state->spec != wanted)
    return fail(ErrorCode::invalid_argument, "state {} has other sizes than the op", name);
  const StateOptions& options = buffer->state->options;
  if (options.kv_dtype != resources.state_options.kv_dtype ||
      options.log_tokens != resources.state_options.log_tokens)
    return fail(ErrorCode::invalid_argument, "state {} was allocated with other options", name);
  return buffer;
}

}  // namespace troika::cpu
