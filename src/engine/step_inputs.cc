#include "engine/step_inputs.h"

#include <algorithm>

namespace troika {

namespace {

constexpr int64_t kAlign = 64;

/// How many values of which size an input has at most.
struct InputRoom {
  Input input;
  int64_t count = 0;
  int64_t value_bytes = 0;

  int64_t bytes() const { return (count * value_bytes + kAlign - 1) / kAlign * kAlign; }
};

constexpr int64_t kIdBytes = sizeof(int32_t);
constexpr int64_t kSpanBytes = sizeof(Span);

/// In the order in which they lie in the buffer.
std::array<InputRoom, 8> rooms_of(const Sizes& sizes, int64_t pages_max) {
  return {{{Input::token_ids, sizes.tokens, kIdBytes},
           {Input::positions, sizes.tokens, kIdBytes},
           {Input::spans, sizes.sequences, kSpanBytes},
           {Input::output_spans, sizes.sequences, kSpanBytes},
           {Input::page_table, pages_max, kIdBytes},
           {Input::output_rows, sizes.outputs, kIdBytes},
           {Input::hidden_in, sizes.tokens, kIdBytes},
           {Input::hidden_out, sizes.tokens, kIdBytes}}};
}

}  // namespace

int64_t StepInputs::bytes(const Sizes& sizes, int64_t pages_max) {
  int64_t total = 0;
  for (const InputRoom& room : rooms_of(sizes, pages_max)) total += room.bytes();
  return total;
}

Result<StepInputs> StepInputs::make(Device& device, const Sizes& sizes, int64_t pages_max) {
  StepInputs s;
  for (auto* values : {&s.tokens_, &s.positions_, &s.hidden_in_, &s.hidden_out_})
    values->reserve(static_cast<size_t>(sizes.tokens));
  s.spans_.reserve(static_cast<size_t>(sizes.sequences));
  s.output_spans_.reserve(static_cast<size_t>(sizes.sequences));
  s.page_table_.reserve(static_cast<size_t>(pages_max));
  s.output_rows_.reserve(static_cast<size_t>(sizes.outputs));
  int64_t total = 0;
  for (const InputRoom& room : rooms_of(sizes, pages_max)) {
    const auto i = static_cast<size_t>(room.input);
    s.offsets_[i] = total;
    s.held_[i].reserve(static_cast<size_t>(room.count * room.value_bytes));
    total += room.bytes();
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
