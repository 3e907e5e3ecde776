#include "engine/step_inputs.h"

#include <algorithm>

namespace troika {

Result<StepInputs> StepInputs::make(Device& device, const Sizes& sizes, int64_t pages_max) {
  StepInputs s;
  std::array<int64_t, kInputs> bytes{};
  auto reserve = [&](Input input, auto& values, int64_t count) {
    using Value = typename std::remove_reference_t<decltype(values)>::value_type;
    values.reserve(static_cast<size_t>(count));
    bytes[static_cast<size_t>(input)] = count * static_cast<int64_t>(sizeof(Value));
    s.held_[static_cast<size_t>(input)].reserve(static_cast<size_t>(count) * sizeof(Value));
  };
  reserve(Input::token_ids, s.tokens_, sizes.tokens);
  reserve(Input::positions, s.positions_, sizes.tokens);
  reserve(Input::spans, s.spans_, sizes.sequences);
  reserve(Input::output_spans, s.output_spans_, sizes.sequences);
  reserve(Input::page_table, s.page_table_, pages_max);
  reserve(Input::output_rows, s.output_rows_, sizes.outputs);
  reserve(Input::hidden_in, s.hidden_in_, sizes.tokens);
  reserve(Input::hidden_out, s.hidden_out_, sizes.tokens);
  constexpr int64_t kAlign = 64;
  int64_t total = 0;
  for (size_t i = 0; i < kInputs; i++) {
    s.offsets_[i] = total;
    total += (bytes[i] + kAlign - 1) / kAlign * kAlign;
  }
  TROIKA_TRY(s.buffer_, device.allocate(total));
  return s;
}

void StepInputs::clear() {
  for (auto* values :
       {&tokens_, &positions_, &page_table_, &output_rows_, &hidden_in_, &hidden_out_})
    values->clear();
  spans_.clear();
  output_spans_.clear();
}

void StepInputs::begin_sequence(const SequenceInput& sequence) {
  Span span{.row_begin = static_cast<int32_t>(tokens()),
            .rows = 0,
            .position = static_cast<int32_t>(sequence.position),
            .page_begin = static_cast<int32_t>(page_table_.size()),
            .state_slot = sequence.state_slot,
            .replay = sequence.replay,
            .certain = sequence.certain,
            .fresh = sequence.fresh ? 1 : 0};
  spans_.push_back(span);
  span.row_begin = static_cast<int32_t>(outputs());
  output_spans_.push_back(span);
  for (const PageId page : sequence.pages) page_table_.push_back(static_cast<int32_t>(page));
}

void StepInputs::add_row(const RowInput& row) {
  Span& span = spans_.back();
  Span& output_span = output_spans_.back();
  const int32_t position = span.position + span.rows;
  if (row.output) {
    if (output_span.rows == 0) output_span.position = position;
    output_span.rows++;
    output_rows_.push_back(static_cast<int32_t>(tokens()));
  }
  span.rows++;
  tokens_.push_back(static_cast<int32_t>(row.token));
  positions_.push_back(position);
  hidden_in_.push_back(row.hidden_in);
  hidden_out_.push_back(row.hidden_out);
}

void StepInputs::set_output_hidden(std::span<const int32_t> units) {
  hidden_out_.assign(units.begin(), units.end());
}

BufferView StepInputs::view(Input input) const {
  return {buffer_.get(), offsets_[static_cast<size_t>(input)]};
}

template <typename T>
Status StepInputs::put(Device& device, Bindings& bindings, Input input,
                       const std::vector<T>& values) {
  bindings[input] = view(input);
  const auto bytes = std::as_bytes(std::span(values));
  std::vector<std::byte>& held = held_[static_cast<size_t>(input)];
  if (held.size() >= bytes.size() && std::ranges::equal(bytes, std::span(held).first(bytes.size())))
    return ok();
  TROIKA_TRY([[maybe_unused]] const Event event, device.write(bindings[input], bytes));
  held.assign(bytes.begin(), bytes.end());
  return ok();
}

Status StepInputs::upload(Device& device, Bindings& bindings, bool tokens) {
  bindings.tokens = this->tokens();
  bindings.outputs = outputs();
  bindings.sequences = sequences();
  bindings.output_sequences = sequences();
  if (tokens) TROIKA_RETURN_IF_ERROR(put(device, bindings, Input::token_ids, tokens_));
  TROIKA_RETURN_IF_ERROR(put(device, bindings, Input::positions, positions_));
  TROIKA_RETURN_IF_ERROR(put(device, bindings, Input::spans, spans_));
  TROIKA_RETURN_IF_ERROR(put(device, bindings, Input::output_spans, output_spans_));
  TROIKA_RETURN_IF_ERROR(put(device, bindings, Input::page_table, page_table_));
  TROIKA_RETURN_IF_ERROR(put(device, bindings, Input::output_rows, output_rows_));
  TROIKA_RETURN_IF_ERROR(put(device, bindings, Input::hidden_in, hidden_in_));
  return put(device, bindings, Input::hidden_out, hidden_out_);
}

}  // namespace troika
