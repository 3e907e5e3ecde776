#include "conformance/cuts.h"

#include <algorithm>

namespace troika::conformance {
namespace {

using testing::StepInputs;

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from, int64_t begin, int64_t end) {
  if (from.empty()) return;
  to.insert(to.end(), from.begin() + begin, from.begin() + end);
}

/// Rows [begin, end) of `whole` as a step of their own, without spans.
Piece take_rows(const StepInputs& whole, int64_t begin, int64_t end) {
  Piece piece;
  piece.step.row_blocks = whole.row_blocks;
  append(piece.step.token_ids, whole.token_ids, begin, end);
  append(piece.step.positions, whole.positions, begin, end);
  for (size_t i = 0; i < whole.output_rows.size(); i++) {
    const int32_t row = whole.output_rows[i];
    if (row < begin || row >= end) continue;
    piece.step.output_rows.push_back(row - static_cast<int32_t>(begin));
    piece.outputs.push_back(static_cast<int64_t>(i));
  }
  return piece;
}

/// Rows [begin, end) of span `number`, counted from its first row.
Piece take_span(const StepInputs& whole, size_t number, int32_t begin, int32_t end) {
  const Span& span = whole.spans[number];
  Piece piece = take_rows(whole, span.row_begin + begin, span.row_begin + end);
  Span part = span;
  part.row_begin = 0;
  part.rows = end - begin;
  part.position = span.position + begin;
  part.certain = std::clamp(span.certain - begin, 0, part.rows);
  if (begin > 0) part.replay = part.fresh = 0;
  piece.step.spans = {part};
  piece.step.page_table = whole.page_table;
  if (!whole.output_spans.empty()) {
    const auto outputs = static_cast<int32_t>(piece.outputs.size());
    Span of_outputs = part;
    of_outputs.rows = outputs;
    of_outputs.position = part.position + (outputs > 0 ? piece.step.output_rows[0] : 0);
    piece.step.output_spans = {of_outputs};
  }
  return piece;
}

void append_shifted(std::vector<Span>& to, const std::vector<Span>& from, size_t rows,
                    size_t pages) {
  for (Span span : from) {
    span.row_begin += static_cast<int32_t>(rows);
    span.page_begin += static_cast<int32_t>(pages);
    to.push_back(span);
  }
}

}  // namespace

std::vector<Piece> cut(const StepInputs& whole, int64_t rows_max) {
  std::vector<Piece> pieces;
  const auto tokens = static_cast<int64_t>(whole.token_ids.size());
  if (whole.spans.empty())
    for (int64_t begin = 0; begin < tokens; begin += rows_max)
      pieces.push_back(take_rows(whole, begin, std::min(tokens, begin + rows_max)));
  for (size_t i = 0; i < whole.spans.size(); i++) {
    const Span& span = whole.spans[i];
    int32_t begin = 0;
    while (begin + rows_max < span.certain) {
      pieces.push_back(take_span(whole, i, begin, begin + static_cast<int32_t>(rows_max)));
      begin += static_cast<int32_t>(rows_max);
    }
    const int32_t end = begin + rows_max >= span.rows ? span.rows : span.certain;
    if (end > begin) pieces.push_back(take_span(whole, i, begin, end));
    if (end < span.rows || span.rows == 0) pieces.push_back(take_span(whole, i, end, span.rows));
  }
  return pieces;
}

Piece join(const std::vector<Piece>& pieces) {
  Piece whole;
  for (const Piece& piece : pieces) {
    StepInputs& to = whole.step;
    const StepInputs& from = piece.step;
    to.row_blocks = from.row_blocks;
    append_shifted(to.spans, from.spans, to.token_ids.size(), to.page_table.size());
    append_shifted(to.output_spans, from.output_spans, to.output_rows.size(), to.page_table.size());
    for (const int32_t row : from.output_rows)
      to.output_rows.push_back(row + static_cast<int32_t>(to.token_ids.size()));
    append(to.token_ids, from.token_ids, 0, std::ssize(from.token_ids));
    append(to.positions, from.positions, 0, std::ssize(from.positions));
    append(to.page_table, from.page_table, 0, std::ssize(from.page_table));
    append(whole.outputs, piece.outputs, 0, std::ssize(piece.outputs));
  }
  return whole;
}

}  // namespace troika::conformance
