#include "device/cpu/step.h"

#include <algorithm>
#include <string_view>

#include "device/cpu/buffers.h"

namespace troika::cpu {
namespace {

constexpr int64_t kPositionsEnd = int64_t{1} << 31;
constexpr int64_t kSpanNumbers = sizeof(Span) / sizeof(int32_t);

std::string_view input_name(Input input) {
  switch (input) {
    case Input::token_ids:
      return "token_ids";
    case Input::positions:
      return "positions";
    case Input::spans:
      return "spans";
    case Input::output_spans:
      return "output_spans";
    case Input::page_table:
      return "page_table";
    case Input::output_rows:
      return "output_rows";
    case Input::hidden_in:
      return "hidden_in";
    case Input::hidden_out:
      return "hidden_out";
    case Input::row_blocks:
      return "row_blocks";
  }
  return "?";
}

/// Checks one step; the order of the checks is that of the members of Input.
class Preparation {
 public:
  Preparation(const StepNeeds& needs, const Bindings& bindings, Step& step)
      : needs_(needs), bindings_(bindings), step_(step) {}

  Status prepare() {
    step_.counts = {0, bindings_.tokens, bindings_.outputs};
    step_.inputs = {};
    TROIKA_RETURN_IF_ERROR(take(Input::token_ids, bindings_.tokens, 0, needs_.vocab));
    TROIKA_RETURN_IF_ERROR(take(Input::positions, bindings_.tokens, 0, kPositionsEnd));
    TROIKA_RETURN_IF_ERROR(take(Input::output_rows, bindings_.outputs, 0, bindings_.tokens));
    TROIKA_RETURN_IF_ERROR(take(Input::hidden_in, bindings_.tokens, -1, needs_.hidden_in_units));
    const int64_t stored = std::max(needs_.hidden_out_of_tokens ? bindings_.tokens : int64_t{0},
                                    needs_.hidden_out_of_outputs ? bindings_.outputs : int64_t{0});
    TROIKA_RETURN_IF_ERROR(take(Input::hidden_out, stored, 0, needs_.hidden_out_units));
    TROIKA_RETURN_IF_ERROR(take(Input::row_blocks, needs_.row_blocks, 0, needs_.row_blocks_end));
    TROIKA_RETURN_IF_ERROR(take_page_table());
    TROIKA_RETURN_IF_ERROR(take_spans(Input::spans, bindings_.sequences, bindings_.tokens,
                                      step_.spans, step_.row_span));
    TROIKA_RETURN_IF_ERROR(take_spans(Input::output_spans, bindings_.output_sequences,
                                      bindings_.outputs, step_.output_spans,
                                      step_.output_row_span));
    if (needs_.recurrent)
      for (const Span& span : step_.spans) TROIKA_RETURN_IF_ERROR(check_recurrent(span));
    for (TileList& list : step_.tile_lists) cut(list);
    return ok();
  }

 private:
  /// Binds `count` numbers, each in [least, end).
  Status take(Input input, int64_t count, int64_t least, int64_t end) {
    if (!needs_[input] || count == 0) return ok();
    const std::string_view name = input_name(input);
    TROIKA_TRY(const std::byte* bytes, numbers_at(bindings_[input], count, name));
    const auto* numbers = reinterpret_cast<const int32_t*>(bytes);
    for (int64_t i = 0; i < count; i++)
      if (numbers[i] < least || numbers[i] >= end)
        return fail(ErrorCode::invalid_argument, "{}[{}] is {}, wanted {} to {}", name, i,
                    numbers[i], least, end - 1);
    step_.inputs[static_cast<size_t>(input)] = numbers;
    return ok();
  }

  /// The table has no length of its own: spans say how much of it counts.
  Status take_page_table() {
    const BufferView& view = bindings_[Input::page_table];
    page_entries_ = 0;
    if (!needs_[Input::page_table] || view.buffer == nullptr) return ok();
    TROIKA_TRY(const std::byte* bytes, numbers_at(view, 0, input_name(Input::page_table)));
    step_.inputs[static_cast<size_t>(Input::page_table)] = reinterpret_cast<const int32_t*>(bytes);
    page_entries_ = (view.buffer->bytes() - view.offset) / 4;
    return ok();
  }

  Status take_spans(Input input, int64_t count, int64_t rows, std::span<const Span>& spans,
                    std::vector<int32_t>& row_span) {
    spans = {};
    if (!needs_[input]) return ok();
    std::fill_n(row_span.begin(), rows, -1);
    if (count == 0) return ok();
    const std::string_view name = input_name(input);
    TROIKA_TRY(const std::byte* bytes, numbers_at(bindings_[input], count * kSpanNumbers, name));
    spans = {reinterpret_cast<const Span*>(bytes), static_cast<size_t>(count)};
    for (int32_t i = 0; i < count; i++) {
      const Span& span = spans[static_cast<size_t>(i)];
      if (span.rows < 0 || span.row_begin < 0 || span.row_begin > rows - span.rows ||
          span.position < 0 || span.position > INT32_MAX - span.rows)
        return fail(ErrorCode::invalid_argument, "{}[{}]: rows [{}, +{}) of {} at position {}",
                    name, i, span.row_begin, span.rows, rows, span.position);
      for (int32_t row = span.row_begin; row < span.row_begin + span.rows; row++) {
        if (row_span[static_cast<size_t>(row)] >= 0)
          return fail(ErrorCode::invalid_argument, "{}[{}]: row {} is in span {} too", name, i, row,
                      row_span[static_cast<size_t>(row)]);
        row_span[static_cast<size_t>(row)] = i;
      }
      TROIKA_RETURN_IF_ERROR(check_pages(span, name, i));
    }
    return ok();
  }

  Status check_pages(const Span& span, std::string_view name, int32_t number) {
    if (!needs_[Input::page_table] || span.rows == 0) return ok();
    const int64_t pages = (int64_t{span.position} + span.rows + kPageTokens - 1) / kPageTokens;
    if (span.page_begin < 0 || span.page_begin > page_entries_ - pages)
      return fail(ErrorCode::invalid_argument,
                  "{}[{}]: pages [{}, +{}) of a page table of {} entries", name, number,
                  span.page_begin, pages, page_entries_);
    const int32_t* table = step_[Input::page_table] + span.page_begin;
    for (int64_t i = 0; i < pages; i++)
      if (table[i] < 0 || table[i] >= needs_.pages)
        return fail(ErrorCode::invalid_argument, "page_table[{}] is {}, wanted 0 to {}",
                    span.page_begin + i, table[i], needs_.pages - 1);
    return ok();
  }

  Status check_recurrent(const Span& span) {
    if (span.state_slot < 0 || span.state_slot >= needs_.slots)
      return fail(ErrorCode::invalid_argument, "state slot {}, wanted 0 to {}", span.state_slot,
                  needs_.slots - 1);
    const int64_t log = needs_.log_tokens;
    if (span.certain < 0 || span.certain > span.rows || span.rows - span.certain > log ||
        span.replay < 0 || span.replay > log || (span.fresh != 0 && span.replay > 0))
      return fail(ErrorCode::invalid_argument,
                  "{} rows, {} of them certain, {} to replay{}: the log holds {}", span.rows,
                  span.certain, span.replay, span.fresh != 0 ? " into a fresh state" : "", log);
    return ok();
  }

  void cut(TileList& list) {
    list.tiles.clear();
    list.rows_max = 0;
    list.partitions_max = 0;
    const std::span<const Span> spans = step_.spans_of(list.outputs);
    for (size_t i = 0; i < spans.size(); i++) {
      const Span& span = spans[i];
      for (int64_t row = 0; row < span.rows; row += list.rows)
        list.tiles.push_back({static_cast<int32_t>(i), static_cast<int32_t>(row),
                              static_cast<int32_t>(std::min(list.rows, span.rows - row))});
      if (span.rows == 0) continue;
      list.rows_max = std::max(list.rows_max, std::min(list.rows, int64_t{span.rows}));
      const int64_t last = int64_t{span.position} + span.rows - 1;
      list.partitions_max = std::max(list.partitions_max, last / kPartitionTokens + 1);
    }
  }

  const StepNeeds& needs_;
  const Bindings& bindings_;
  Step& step_;
  int64_t page_entries_ = 0;
};

}  // namespace

Status prepare_step(const StepNeeds& needs, const Sizes& sizes, const Bindings& bindings,
                    Step& step) {
  TROIKA_RETURN_IF_ERROR(check_counts(bindings, sizes));
  return Preparation(needs, bindings, step).prepare();
}

}  // namespace troika::cpu
