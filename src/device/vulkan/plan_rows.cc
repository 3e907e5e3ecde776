// Ops that take each row, or each element, by itself.
#include <cmath>
#include <numbers>

#include "device/vulkan/planning.h"

namespace troika::vulkan {
namespace {

struct NormPush {
  uint64_t x, weight, y;
  uint32_t units, width;
  float epsilon, scale;
};

struct RopePush {
  uint64_t x, y, positions, output_rows, frequencies, faults;
  uint32_t rows, units, width, pairs, tokens, of_outputs;
  float magnitude;
};

struct ElementwisePush {
  uint64_t a, b, y;
  uint32_t count, sharing;
};
enum class Elementwise : uint8_t { add, add_bias, swiglu, gate_sigmoid, gate_silu };

struct CopyPush {
  uint64_t x, y;
  uint32_t units, width, x_width, x_begin, y_width, y_begin;
};

struct RowsPush {
  uint64_t x, y, places, faults;
  uint32_t rows, width, end;
};
enum class RowsKind : uint8_t { gather, store, load };

struct ArgmaxPush {
  uint64_t x, y;
  uint32_t rows, width, first;
};

struct BlockRowPush {
  uint64_t x, row_blocks, y;
  uint32_t rows;
};

Status plan_norm(Planning& planning, const Tensor& x, const Tensor& y, NormPush push, bool rms) {
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("norm", {rms ? 1U : 0U}));
  push.width = count32(x.spec.width);
  planning.add(
      [=](const Step& step, const Recorder& recorder) {
        NormPush mine = push;
        const int64_t units = step.rows(x.spec.rows) * x.spec.units;
        mine.x = step[x];
        mine.y = step[y];
        mine.units = count32(units);
        recorder.dispatch(shader, mine, fold_groups(units));
      },
      {.reads = {x.id}, .writes = {y.id}});
  return ok();
}

/// y = kind(a, b); b is a value, or a vector at `vector`.
Status plan_elements(Planning& planning, Elementwise kind, const Tensor& a, const Tensor* b,
                     uint64_t vector, const Tensor& y, int64_t sharing) {
  TROIKA_TRY(const VkPipeline shader,
             planning.pipeline("elementwise", {static_cast<uint32_t>(kind)}));
  Access access{.reads = {a.id}, .writes = {y.id}};
  if (b != nullptr) access.reads.push_back(b->id);
  planning.add(
      [=, second = b != nullptr ? b->id : Slot{-1}](const Step& step, const Recorder& recorder) {
        const int64_t count = step.rows(y.spec.rows) * y.spec.elements();
        const uint64_t other = second < 0 ? vector : step[second];
        recorder.dispatch(
            shader, ElementwisePush{step[a], other, step[y], count32(count), count32(sharing)},
            groups_of(count));
      },
      access);
  return ok();
}

/// Copies `width` elements of every unit, from x_begin to y_begin.
Status plan_copy(Planning& planning, const Tensor& x, const Tensor& y, CopyPush push) {
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("copy_units"));
  push.x_width = count32(x.spec.width);
  push.y_width = count32(y.spec.width);
  planning.add(
      [=](const Step& step, const Recorder& recorder) {
        CopyPush mine = push;
        const int64_t units = step.rows(y.spec.rows) * y.spec.units;
        mine.x = step[x];
        mine.y = step[y];
        mine.units = count32(units);
        recorder.dispatch(shader, mine, groups_of(units * push.width));
      },
      {.reads = {x.id}, .writes = {y.id}});
  return ok();
}

/// Turns per position in units of 2^-64, low word and high word of each pair.
std::vector<uint32_t> turns(const std::vector<double>& frequencies) {
  std::vector<uint32_t> words;
  for (const double frequency : frequencies) {
    const long double of_turn =
        static_cast<long double>(frequency) / (2 * std::numbers::pi_v<long double>);
    const long double fraction = of_turn - std::floor(of_turn);
    const auto fixed = static_cast<uint64_t>(std::ldexp(fraction, 64));
    words.push_back(static_cast<uint32_t>(fixed));
    words.push_back(static_cast<uint32_t>(fixed >> 32));
  }
  return words;
}

}  // namespace

Status plan(Planning& planning, const RmsNorm& op, const Tensor& y) {
  TROIKA_TRY(const VulkanWeight* weight, planning.vector(op.weight));
  return plan_norm(planning, op.x, y, {.weight = weight->address(), .epsilon = op.epsilon}, true);
}

Status plan(Planning& planning, const L2Norm& op, const Tensor& y) {
  return plan_norm(planning, op.x, y, {.epsilon = op.epsilon, .scale = op.scale}, false);
}

Status plan(Planning& planning, const Rope& op, const Tensor& y) {
  const bool adjacent = op.options.pairs == RopePairs::adjacent;
  const bool outputs = op.x.spec.rows == Rows::outputs;
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("rope", {adjacent ? 1U : 0U}));
  TROIKA_TRY(const uint64_t frequencies, planning.constant(turns(op.options.frequencies)));
  planning.read(Input::positions);
  if (outputs) planning.read(Input::output_rows);
  RopePush push{.frequencies = frequencies};
  push.units = count32(op.x.spec.units);
  push.width = count32(op.x.spec.width);
  push.pairs = count32(std::ssize(op.options.frequencies));
  push.of_outputs = outputs ? 1 : 0;
  push.magnitude = op.options.magnitude;
  planning.add(
      [=, x = op.x](const Step& step, const Recorder& recorder) {
        RopePush mine = push;
        const int64_t rows = step.rows(x.spec.rows);
        mine.x = step[x];
        mine.y = step[y];
        mine.positions = step[Input::positions];
        mine.output_rows = step[Input::output_rows];
        mine.faults = step.faults;
        mine.rows = count32(rows);
        mine.tokens = count32(step.tokens);
        recorder.dispatch(shader, mine,
                          groups_of(rows * x.spec.units * (x.spec.width - int64_t{push.pairs})));
      },
      {.reads = {op.x.id}, .writes = {y.id}});
  return ok();
}

Status plan(Planning& planning, const Add& op, const Tensor& y) {
  return plan_elements(planning, Elementwise::add, op.a, &op.b, 0, y, 1);
}

Status plan(Planning& planning, const AddBias& op, const Tensor& y) {
  TROIKA_TRY(const VulkanWeight* bias, planning.vector(op.bias));
  return plan_elements(planning, Elementwise::add_bias, op.x, nullptr, bias->address(), y,
                       bias->rows * bias->inputs);
}

Status plan(Planning& planning, const SwiGlu& op, const Tensor& y) {
  return plan_elements(planning, Elementwise::swiglu, op.gate, &op.up, 0, y, 1);
}

Status plan(Planning& planning, const Gate& op, const Tensor& y) {
  const auto kind =
      op.function == GateFunction::silu ? Elementwise::gate_silu : Elementwise::gate_sigmoid;
  return plan_elements(planning, kind, op.x, &op.gate, 0, y,
                       op.x.spec.elements() / op.gate.spec.elements());
}

Status plan(Planning& planning, const Concat& op, const Tensor& y) {
  TROIKA_RETURN_IF_ERROR(plan_copy(planning, op.a, y, {.width = count32(op.a.spec.width)}));
  return plan_copy(planning, op.b, y,
                   {.width = count32(op.b.spec.width), .y_begin = count32(op.a.spec.width)});
}

Status plan(Planning& planning, const Slice& op, const Tensor& y) {
  return plan_copy(planning, op.x, y, {.width = count32(op.width), .x_begin = count32(op.begin)});
}

Status plan(Planning& planning, const GatherRows& op, const Tensor& y) {
  TROIKA_TRY(const VkPipeline shader,
             planning.pipeline("rows", {static_cast<uint32_t>(RowsKind::gather)}));
  planning.read(Input::output_rows);
  planning.add(
      [=, x = op.x](const Step& step, const Recorder& recorder) {
        const int64_t width = x.spec.elements();
        const RowsPush push{step[x],
                            step[y],
                            step[Input::output_rows],
                            step.faults,
                            count32(step.outputs),
                            count32(width),
                            count32(step.tokens)};
        recorder.dispatch(shader, push, groups_of(step.outputs * width));
      },
      {.reads = {op.x.id}, .writes = {y.id}});
  return ok();
}

Status plan(Planning& planning, const StoreRows& op, const Tensor&) {
  TROIKA_TRY(const VulkanBuffer* state,
             planning.state(op.state, HiddenState{op.x.spec.elements()}));
  TROIKA_TRY(const VkPipeline shader,
             planning.pipeline("rows", {static_cast<uint32_t>(RowsKind::store)}));
  planning.read(Input::hidden_out);
  if (op.x.spec.rows == Rows::outputs) planning.store_outputs();
  planning.add(
      [=, x = op.x](const Step& step, const Recorder& recorder) {
        const int64_t rows = step.rows(x.spec.rows);
        const int64_t width = x.spec.elements();
        const RowsPush push{
            step[x],       state->address(), step[Input::hidden_out],     step.faults,
            count32(rows), count32(width),   count32(state->state->units)};
        recorder.dispatch(shader, push, groups_of(rows * width));
      },
      {.reads = {op.x.id}, .state_written = op.state});
  return ok();
}

Status plan(Planning& planning, const LoadRows& op, const Tensor& y) {
  TROIKA_TRY(const VulkanBuffer* state, planning.state(op.state, HiddenState{op.width}));
  TROIKA_TRY(const VkPipeline shader,
             planning.pipeline("rows", {static_cast<uint32_t>(RowsKind::load)}));
  planning.read(Input::hidden_in);
  planning.add(
      [=, width = op.width](const Step& step, const Recorder& recorder) {
        const RowsPush push{
            state->address(),     step[y],        step[Input::hidden_in],      step.faults,
            count32(step.tokens), count32(width), count32(state->state->units)};
        recorder.dispatch(shader, push, groups_of(step.tokens * width));
      },
      {.writes = {y.id}, .state_read = op.state});
  return ok();
}

Status plan(Planning& planning, const Argmax& op, const Tensor& y) {
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("argmax", {0}));
  planning.add(
      [=, x = op.x](const Step& step, const Recorder& recorder) {
        const int64_t rows = step.rows(x.spec.rows);
        recorder.dispatch(
            shader, ArgmaxPush{step[x], step[y], count32(rows), count32(x.spec.elements()), 0},
            fold_groups(rows));
      },
      {.reads = {op.x.id}, .writes = {y.id}});
  return ok();
}

Status plan(Planning& planning, const BlockRow& op, const Tensor& y) {
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("block_row"));
  TROIKA_RETURN_IF_ERROR(planning.read_row_blocks(op.blocks));
  planning.add(
      [=, x = op.x](const Step& step, const Recorder& recorder) {
        const int64_t rows = step.rows(x.spec.rows);
        recorder.dispatch(shader,
                          BlockRowPush{step[x], step[Input::row_blocks], step[y], count32(rows)},
                          groups_of(rows));
      },
      {.reads = {op.x.id}, .writes = {y.id}});
  return ok();
}

}  // namespace troika::vulkan
