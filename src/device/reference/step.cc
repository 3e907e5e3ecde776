#include "device/reference/step.h"

#include <cstring>

#include "core/check.h"

namespace troika::reference {

Step::Step(const Program& program, const Bindings& bindings)
    : program_(program), bindings_(bindings), values_(program.nodes.size()) {}

int64_t Step::rows(Rows rows) const {
  switch (rows) {
    case Rows::tokens:
      return bindings_.tokens;
    case Rows::outputs:
      return bindings_.outputs;
    case Rows::none:
      return 0;
  }
  return 0;
}

std::span<double> Step::values(const Tensor& tensor) {
  return values_[static_cast<size_t>(tensor.id)];
}

double* Step::row(const Tensor& tensor, int64_t row) {
  return values(tensor).data() + row * tensor.spec.elements();
}

const FloatMatrix& Step::weight(const Weight& weight) const {
  return *program_.weights[static_cast<size_t>(weight.id)];
}

const StateShape& Step::state_shape(State state) const {
  return *program_.states[static_cast<size_t>(state.id)]->state;
}

Result<std::byte*> Step::state_unit(State state, int64_t unit) const {
  const HostBuffer& buffer = *program_.states[static_cast<size_t>(state.id)];
  if (unit < 0 || unit >= buffer.state->units)
    return fail(ErrorCode::invalid_argument, "unit {} of a state of {} units", unit,
                buffer.state->units);
  return buffer.data() + unit * state_unit_bytes(buffer.state->spec, buffer.state->options);
}

Result<std::span<std::byte>> Step::view(const BufferView& view, int64_t bytes) const {
  const auto* buffer = dynamic_cast<const HostBuffer*>(view.buffer);
  if (buffer == nullptr) return fail(ErrorCode::invalid_argument, "no buffer of this device");
  if (view.offset < 0 || view.offset % 4 != 0 || bytes < 0 || bytes > buffer->bytes() - view.offset)
    return fail(ErrorCode::invalid_argument, "{} bytes from byte {} of a buffer of {}", bytes,
                view.offset, buffer->bytes());
  return std::span<std::byte>(buffer->data() + view.offset, static_cast<size_t>(bytes));
}

Result<std::span<const int32_t>> Step::ints(Input input, int64_t count) const {
  if (count == 0) return std::span<const int32_t>();
  const Result<std::span<std::byte>> bytes = view(bindings_[input], count * 4);
  if (!bytes.ok())
    return fail(bytes.error().code(), "input {}: {}", static_cast<int>(input),
                bytes.error().message());
  return std::span<const int32_t>(reinterpret_cast<const int32_t*>(bytes->data()),
                                  static_cast<size_t>(count));
}

Result<std::span<const int32_t>> Step::page_table() const {
  const BufferView& table = bindings_[Input::page_table];
  return ints(Input::page_table,
              table.buffer == nullptr ? 0 : (table.buffer->bytes() - table.offset) / 4);
}

Result<std::span<const int32_t>> Step::output_rows() const {
  TROIKA_TRY(auto rows, ints(Input::output_rows, bindings_.outputs));
  for (const int32_t row : rows)
    if (row < 0 || row >= bindings_.tokens)
      return fail(ErrorCode::invalid_argument, "output row {} of {} tokens", row, bindings_.tokens);
  return rows;
}

Result<std::span<const Span>> Step::spans(Rows kind) const {
  const bool outputs = kind == Rows::outputs;
  const int64_t count = outputs ? bindings_.output_sequences : bindings_.sequences;
  TROIKA_TRY(auto numbers, ints(outputs ? Input::output_spans : Input::spans,
                                count * static_cast<int64_t>(sizeof(Span) / 4)));
  const std::span<const Span> spans(reinterpret_cast<const Span*>(numbers.data()),
                                    static_cast<size_t>(count));
  for (const Span& s : spans)
    if (s.rows < 0 || s.row_begin < 0 || s.row_begin > rows(kind) - s.rows || s.position < 0 ||
        s.page_begin < 0)
      return fail(ErrorCode::invalid_argument,
                  "span of rows [{}, +{}) of {} at position {}, pages from {}", s.row_begin, s.rows,
                  rows(kind), s.position, s.page_begin);
  return spans;
}

void Step::make(const Tensor& tensor) {
  values_[static_cast<size_t>(tensor.id)].assign(
      static_cast<size_t>(rows(tensor.spec.rows) * tensor.spec.elements()), 0.0);
}

void Step::release(int32_t number) {
  for (int32_t i = 0; i <= number; i++)
    if (program_.last_use[static_cast<size_t>(i)] == number)
      std::vector<double>().swap(values_[static_cast<size_t>(i)]);
}

Status Step::write_result(Output output, const Tensor& from) {
  const std::span<const double> source = values(from);
  if (source.empty()) return ok();
  const Result<std::span<std::byte>> target = view(bindings_[output], std::ssize(source) * 4);
  if (!target.ok())
    return fail(target.error().code(), "result {}: {}", static_cast<int>(output),
                target.error().message());
  for (size_t i = 0; i < source.size(); i++) {
    std::byte* to = target->data() + i * 4;
    if (from.spec.dtype == DType::i32) {
      const auto integer = static_cast<int32_t>(source[i]);
      std::memcpy(to, &integer, 4);
    } else {
      const auto real = static_cast<float>(source[i]);
      std::memcpy(to, &real, 4);
    }
  }
  return ok();
}

}  // namespace troika::reference
