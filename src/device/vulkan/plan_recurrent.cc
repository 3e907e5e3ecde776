// Causal convolutions and delta rules.
#include "device/vulkan/planning.h"

namespace troika::vulkan {
namespace {

constexpr int64_t kTapsMax = 16;
constexpr int64_t kKeyDimMax = 256;  // a column of the state per invocation
constexpr int64_t kColumns = 32;     // of a group

struct ConvPush {
  uint64_t x, taps, y, state, spans, faults;
  uint32_t rows, channels, unit_floats, slots, log_tokens;
};

struct GatesPush {
  uint64_t decay_in, beta_in, a, decay_bias, gates;
  uint32_t count, heads;
};

struct DeltaPush {
  uint64_t q, k, v, gates, deltas, o, state, spans, faults;
  uint32_t rows, key_heads, heads, value_dim, unit_floats, slots, log_tokens;
};

struct DeltaLogPush {
  uint64_t k, gates, deltas, state, spans;
  uint32_t rows, key_heads, heads, key_dim, value_dim, unit_floats, slots, log_tokens;
};

uint32_t unit_floats(const VulkanBuffer& state) {
  return count32(state_unit_bytes(state.state->spec, state.state->options) / 4);
}

/// What the shaders of one delta rule share.
struct Delta {
  GatedDeltaRule op;
  const VulkanBuffer* state;
  Slot gates;
  Slot deltas;
  Tensor y;

  int64_t heads() const { return op.v.spec.units; }
  int64_t key_dim() const { return op.k.spec.width; }
  int64_t value_dim() const { return op.v.spec.width; }
  int64_t log_tokens() const { return state->state->options.log_tokens; }
};

Status plan_gates(Planning& planning, const Delta& d) {
  TROIKA_TRY(const VulkanWeight* a, planning.vector(d.op.a));
  TROIKA_TRY(const VulkanWeight* bias, planning.vector(d.op.decay_bias));
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("delta_gates"));
  planning.add(
      [=](const Step& step, const Recorder& recorder) {
        const int64_t count = step.tokens * d.heads();
        recorder.dispatch(
            shader,
            GatesPush{step[d.op.decay_in], step[d.op.beta_in], a->address(), bias->address(),
                      step[d.gates], count32(count), count32(d.heads())},
            groups_of(count));
      },
      {.reads = {d.op.decay_in.id, d.op.beta_in.id}, .writes = {d.gates}});
  return ok();
}

Status plan_rule(Planning& planning, const Delta& d) {
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("delta", {count32(d.key_dim())}));
  planning.add(
      [=](const Step& step, const Recorder& recorder) {
        const DeltaPush push{.q = step[d.op.q],
                             .k = step[d.op.k],
                             .v = step[d.op.v],
                             .gates = step[d.gates],
                             .deltas = step[d.deltas],
                             .o = step[d.y],
                             .state = d.state->address(),
                             .spans = step[Input::spans],
                             .faults = step.faults,
                             .rows = count32(step.tokens),
                             .key_heads = count32(d.op.k.spec.units),
                             .heads = count32(d.heads()),
                             .value_dim = count32(d.value_dim()),
                             .unit_floats = unit_floats(*d.state),
                             .slots = count32(d.state->state->units),
                             .log_tokens = count32(d.log_tokens())};
        recorder.dispatch(shader, push,
                          {count32((d.value_dim() + kColumns - 1) / kColumns), push.heads,
                           count32(step.sequences)});
      },
      {.reads = {d.op.q.id, d.op.k.id, d.op.v.id, d.gates},
       .writes = {d.y.id, d.deltas},
       .state_written = d.op.state});
  return ok();
}

Status plan_log(Planning& planning, const Delta& d) {
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("delta_log"));
  planning.add(
      [=](const Step& step, const Recorder& recorder) {
        const DeltaLogPush push{.k = step[d.op.k],
                                .gates = step[d.gates],
                                .deltas = step[d.deltas],
                                .state = d.state->address(),
                                .spans = step[Input::spans],
                                .rows = count32(step.tokens),
                                .key_heads = count32(d.op.k.spec.units),
                                .heads = count32(d.heads()),
                                .key_dim = count32(d.key_dim()),
                                .value_dim = count32(d.value_dim()),
                                .unit_floats = unit_floats(*d.state),
                                .slots = count32(d.state->state->units),
                                .log_tokens = count32(d.log_tokens())};
        const int64_t numbers = d.heads() * (1 + d.key_dim() + d.value_dim());
        recorder.dispatch(
            shader, push,
            {count32((numbers + 63) / 64), count32(std::min(d.log_tokens(), step.tokens)),
             count32(step.sequences)});
      },
      {.reads = {d.op.k.id, d.gates, d.deltas}, .state_written = d.op.state});
  return ok();
}

}  // namespace

Status plan(Planning& planning, const CausalConv& op, const Tensor& y) {
  const ConvState spec{op.x.spec.elements(), op.taps.inputs};
  if (spec.taps < 1 || spec.taps > kTapsMax)
    return fail(ErrorCode::unsupported, "{} taps, vulkan has at most {}", spec.taps, kTapsMax);
  TROIKA_TRY(const VulkanWeight* taps, planning.vector(op.taps));
  TROIKA_TRY(const VulkanBuffer* state, planning.state(op.state, spec));
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("conv", {count32(spec.taps)}));
  planning.read(Input::spans);
  planning.add(
      [=, x = op.x](const Step& step, const Recorder& recorder) {
        const ConvPush push{.x = step[x],
                            .taps = taps->address(),
                            .y = step[y],
                            .state = state->address(),
                            .spans = step[Input::spans],
                            .faults = step.faults,
                            .rows = count32(step.tokens),
                            .channels = count32(spec.channels),
                            .unit_floats = unit_floats(*state),
                            .slots = count32(state->state->units),
                            .log_tokens = count32(state->state->options.log_tokens)};
        recorder.dispatch(shader, push,
                          {count32((spec.channels + 63) / 64), count32(step.sequences), 1});
      },
      {.reads = {op.x.id}, .writes = {y.id}, .state_written = op.state});
  return planning.zero_uncovered(y);
}

Status plan(Planning& planning, const GatedDeltaRule& op, const Tensor& y) {
  const DeltaState spec{op.v.spec.units, op.k.spec.width, op.v.spec.width};
  if (spec.key_dim > kKeyDimMax)
    return fail(ErrorCode::unsupported, "keys of {} numbers, vulkan has at most {}", spec.key_dim,
                kKeyDimMax);
  TROIKA_TRY(const VulkanBuffer* state, planning.state(op.state, spec));
  planning.read(Input::spans);
  const Delta delta{.op = op,
                    .state = state,
                    .gates = planning.add_slot(Rows::tokens, spec.heads * 8),
                    .deltas = planning.add_slot(Rows::tokens, spec.heads * spec.value_dim * 4),
                    .y = y};
  TROIKA_RETURN_IF_ERROR(plan_gates(planning, delta));
  TROIKA_RETURN_IF_ERROR(plan_rule(planning, delta));
  TROIKA_RETURN_IF_ERROR(plan_log(planning, delta));
  return planning.zero_uncovered(y);
}

}  // namespace troika::vulkan
