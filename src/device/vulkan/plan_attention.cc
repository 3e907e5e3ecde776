// Keys and values, and the attention over them.
#include "device/vulkan/planning.h"

namespace troika::vulkan {
namespace {

constexpr int64_t kHeadDimMax = 512;
constexpr int64_t kSlicePairs = 64;  // pairs of values of a group's invocations

struct KvWritePush {
  uint64_t k, v, state, page_table, spans, row_spans, faults;
  uint32_t rows, kv_heads, key_dim, value_dim, unit_words, pages, table_entries;
};

struct AttentionPush {
  uint64_t q, o, state, page_table, spans, row_spans, faults;
  uint32_t rows, heads, kv_heads, key_dim, value_dim, unit_words, pages, table_entries;
  float scale;
};

/// As shaders/kv.glsl numbers them; allocate_state() refuses all others.
uint32_t kv_type(const VulkanBuffer& state) {
  switch (state.state->options.kv_dtype) {
    case DType::f16:
      return 0;
    case DType::bf16:
      return 1;
    default:
      return 2;
  }
}

uint32_t unit_words(const VulkanBuffer& state) {
  return count32(state_unit_bytes(state.state->spec, state.state->options) / 4);
}

}  // namespace

Status plan(Planning& planning, const KvWrite& op, const Tensor&) {
  const KvState spec{op.k.spec.units, op.k.spec.width, op.v.spec.width};
  TROIKA_TRY(const VulkanBuffer* state, planning.state(op.state, spec));
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("kv_write", {kv_type(*state)}));
  TROIKA_TRY(const Slot row_spans, planning.row_spans(Rows::tokens));
  planning.read(Input::page_table);
  planning.add(
      [=, k = op.k, v = op.v](const Step& step, const Recorder& recorder) {
        const KvWritePush push{.k = step[k],
                               .v = step[v],
                               .state = state->address(),
                               .page_table = step[Input::page_table],
                               .spans = step[Input::spans],
                               .row_spans = step[row_spans],
                               .faults = step.faults,
                               .rows = count32(step.tokens),
                               .kv_heads = count32(spec.kv_heads),
                               .key_dim = count32(spec.key_dim),
                               .value_dim = count32(spec.value_dim),
                               .unit_words = unit_words(*state),
                               .pages = count32(state->state->units),
                               .table_entries = count32(step.table_entries)};
        const int64_t pairs = (spec.key_dim + spec.value_dim) / 2;
        recorder.dispatch(shader, push, groups_of(step.tokens * spec.kv_heads * pairs));
      },
      {.reads = {op.k.id, op.v.id, row_spans}, .state_written = op.state});
  return ok();
}

Status plan(Planning& planning, const Attention& op, const Tensor& y) {
  const KvState spec{op.kv_heads, op.q.spec.width, op.value_dim};
  if (spec.key_dim > kHeadDimMax || spec.value_dim > kHeadDimMax)
    return fail(ErrorCode::unsupported, "heads of {} and {} numbers, vulkan has at most {}",
                spec.key_dim, spec.value_dim, kHeadDimMax);
  TROIKA_TRY(const VulkanBuffer* state, planning.state(op.state, spec));
  const Rows rows = op.q.spec.rows;
  const uint32_t slices = count32((spec.value_dim / 2 + kSlicePairs - 1) / kSlicePairs);
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("attention", {kv_type(*state), slices}));
  TROIKA_TRY(const Slot row_spans, planning.row_spans(rows));
  planning.read(Input::page_table);
  const Input spans = rows == Rows::outputs ? Input::output_spans : Input::spans;
  planning.add(
      [=, q = op.q, scale = op.scale](const Step& step, const Recorder& recorder) {
        const AttentionPush push{.q = step[q],
                                 .o = step[y],
                                 .state = state->address(),
                                 .page_table = step[Input::page_table],
                                 .spans = step[spans],
                                 .row_spans = step[row_spans],
                                 .faults = step.faults,
                                 .rows = count32(step.rows(rows)),
                                 .heads = count32(q.spec.units),
                                 .kv_heads = count32(spec.kv_heads),
                                 .key_dim = count32(spec.key_dim),
                                 .value_dim = count32(spec.value_dim),
                                 .unit_words = unit_words(*state),
                                 .pages = count32(state->state->units),
                                 .table_entries = count32(step.table_entries),
                                 .scale = scale};
        recorder.dispatch(shader, push, fold_groups(step.rows(rows) * q.spec.units));
      },
      {.reads = {op.q.id, row_spans}, .writes = {y.id}, .state_read = op.state});
  return ok();
}

}  // namespace troika::vulkan
