// What members of a group do together. Members meet on the host: what one shows is read back, and
// what is made of all of it is written, on each member by the same code.
#include <array>

#include "device/collectives.h"
#include "device/vulkan/planning.h"

namespace troika::vulkan {
namespace {

struct ArgmaxPush {
  uint64_t x, y;
  uint32_t rows, width, first;
};

/// What a member shows at an exchange, its values side by side in each row.
struct Shown {
  Rows rows;
  std::vector<Tensor> values;

  int64_t row_elements() const {
    int64_t elements = 0;
    for (const Tensor& value : values) elements += value.spec.elements();
    return elements;
  }
};

/// Reads the values back, all at once, and puts their rows together.
Status gather(const Shown& shown, const Step& step, Stream& stream, std::vector<float>& to) {
  const int64_t rows = step.rows(shown.rows);
  const int64_t row_elements = shown.row_elements();
  to.resize(static_cast<size_t>(rows * row_elements));
  if (to.empty()) return ok();
  std::vector<std::vector<float>> values;
  uint64_t call = 0;
  for (const Tensor& value : shown.values) {
    std::vector<float>& part =
        values.emplace_back(static_cast<size_t>(rows * value.spec.elements()));
    const Place& from = step.places[static_cast<size_t>(value.id)];
    TROIKA_TRY(call, stream.read(from, std::as_writable_bytes(std::span(part))));
  }
  TROIKA_RETURN_IF_ERROR(stream.wait(call));
  int64_t at = 0;
  for (size_t i = 0; i < values.size(); i++) {
    const int64_t count = shown.values[i].spec.elements();
    for (int64_t row = 0; row < rows; row++)
      std::copy_n(values[i].data() + row * count, count, to.data() + row * row_elements + at);
    at += count;
  }
  return ok();
}

/// Writes a value that was made on the host.
template <typename Number>
Status put(const Step& step, Stream& stream, const Tensor& y, const std::vector<Number>& value) {
  if (value.empty()) return ok();
  TROIKA_TRY([[maybe_unused]] const uint64_t call,
             stream.write(step.places[static_cast<size_t>(y.id)], std::as_bytes(std::span(value))));
  return ok();
}

}  // namespace

Status plan(Planning& planning, const ArgmaxPair& op, const Tensor& y) {
  TROIKA_TRY(const VkPipeline shader, planning.pipeline("argmax", {1}));
  planning.add(
      [=, x = op.x, first = op.first](const Step& step, const Recorder& recorder) {
        const int64_t rows = step.rows(x.spec.rows);
        recorder.dispatch(
            shader,
            ArgmaxPush{step[x], step[y], count32(rows), count32(x.spec.elements()), count32(first)},
            fold_groups(rows));
      },
      {.reads = {op.x.id}, .writes = {y.id}});
  return ok();
}

Status plan(Planning& planning, const Exchange& op, const Tensor& y) {
  TROIKA_TRY(Transport* const transport, planning.transport());
  const int64_t number = planning.add_exchange(y);
  Access access{.writes = {y.id}, .state_written = planning.group()};
  for (const Tensor& value : op.values) access.reads.push_back(value.id);
  // Others read it until this member's next exchange has returned.
  const auto mine = std::make_shared<std::vector<float>>();
  planning.add_on_host(
      [=, member = planning.member(), shown = Shown{op.rows, op.values}](const Step& step,
                                                                         Stream& stream) -> Status {
        TROIKA_RETURN_IF_ERROR(gather(shown, step, stream, *mine));
        // Where the group gives up, the device that runs the step is told by the group.
        (void)transport->exchange(member, number, *mine);
        return ok();
      },
      access);
  return ok();
}

Status plan(Planning& planning, const SumParts& op, const Tensor& y) {
  TROIKA_TRY(Transport* const transport, planning.transport());
  TROIKA_TRY(const int64_t number, planning.number_of(op.exchange));
  planning.add_on_host(
      [=](const Step& step, Stream& stream) {
        const int64_t rows = step.rows(y.spec.rows);
        const int64_t width = y.spec.elements();
        std::vector<float> whole(static_cast<size_t>(rows * width));
        for (int64_t row = 0; row < rows; row++)
          sum_parts(op, {*transport, number}, row, add_floats, whole.data() + row * width);
        return put(step, stream, y, whole);
      },
      {.reads = {op.exchange.id}, .writes = {y.id}, .state_read = planning.group()});
  return ok();
}

Status plan(Planning& planning, const BestPair& op, const Tensor& y) {
  TROIKA_TRY(Transport* const transport, planning.transport());
  TROIKA_TRY(const int64_t number, planning.number_of(op.exchange));
  planning.add_on_host(
      [=](const Step& step, Stream& stream) {
        std::vector<int32_t> ids(static_cast<size_t>(step.rows(y.spec.rows)));
        for (size_t row = 0; row < ids.size(); row++)
          ids[row] = best_pair(op, {*transport, number}, static_cast<int64_t>(row));
        return put(step, stream, y, ids);
      },
      {.reads = {op.exchange.id}, .writes = {y.id}, .state_read = planning.group()});
  return ok();
}

}  // namespace troika::vulkan
