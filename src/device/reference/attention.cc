// KV pages and the attention over them: two passes over the keys of a row, in order of position.
#include <algorithm>
#include <cmath>
#include <vector>

#include "device/reference/kv_row.h"
#include "device/reference/ops.h"

namespace troika::reference {
namespace {

/// The pages of one sequence as a table of keys and values by position.
class Pages {
 public:
  Pages(const Step& step, State state, const Span& span, std::span<const int32_t> table)
      : step_(step),
        state_(state),
        kv_(std::get<KvState>(step.state_shape(state).spec)),
        dtype_(step.state_shape(state).options.kv_dtype),
        pages_(table.subspan(std::min(table.size(), static_cast<size_t>(span.page_begin)))) {}

  /// Looks up the pages of positions [0, count). Errors: invalid_argument — the table or the state
  /// ends before.
  Status open(int64_t count) {
    for (int64_t page = 0; page * kPageTokens < count; page++) {
      if (page >= std::ssize(pages_))
        return fail(ErrorCode::invalid_argument, "{} positions, but only {} pages in the table",
                    count, pages_.size());
      TROIKA_TRY(std::byte* const unit,
                 step_.state_unit(state_, pages_[static_cast<size_t>(page)]));
      units_.push_back(unit);
    }
    return ok();
  }

  void write_key(int64_t position, int64_t head, const double* from) {
    store_kv_row(dtype_, from, kv_.key_dim, key_row(position, head));
  }
  void write_value(int64_t position, int64_t head, const double* from) {
    store_kv_row(dtype_, from, kv_.value_dim, value_row(position, head));
  }
  double key(int64_t position, int64_t head, int64_t i) const {
    return load_kv(dtype_, key_row(position, head), i);
  }
  double value(int64_t position, int64_t head, int64_t i) const {
    return load_kv(dtype_, value_row(position, head), i);
  }

 private:
  std::byte* key_row(int64_t position, int64_t head) const {
    const int64_t row = position % kPageTokens * kv_.kv_heads + head;
    return unit(position) + row * dtype_bytes(dtype_, kv_.key_dim);
  }
  std::byte* value_row(int64_t position, int64_t head) const {
    const int64_t row = position % kPageTokens * kv_.kv_heads + head;
    return unit(position) + dtype_bytes(dtype_, kPageTokens * kv_.kv_heads * kv_.key_dim) +
           row * dtype_bytes(dtype_, kv_.value_dim);
  }
  std::byte* unit(int64_t position) const {
    return units_[static_cast<size_t>(position / kPageTokens)];
  }

  const Step& step_;
  State state_;
  const KvState& kv_;
  DType dtype_;
  std::span<const int32_t> pages_;
  std::vector<std::byte*> units_;
};

/// o = sum_j softmax_j(scale q . K[j]) V[j] over positions 0 .. last, for one query head.
void attend(const Attention& op, const Pages& pages, int64_t kv_head, int64_t last, const double* q,
            double* o) {
  std::vector<double> weights(static_cast<size_t>(last + 1));
  for (int64_t j = 0; j <= last; j++) {
    double score = 0;
    for (int64_t i = 0; i < op.q.spec.width; i++) score += q[i] * pages.key(j, kv_head, i);
    weights[static_cast<size_t>(j)] = score * static_cast<double>(op.scale);
  }
  const double largest = *std::ranges::max_element(weights);
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - largest);
  for (int64_t j = 0; j <= last; j++)
    for (int64_t i = 0; i < op.value_dim; i++)
      o[i] += weights[static_cast<size_t>(j)] / sum * pages.value(j, kv_head, i);
}

}  // namespace

Status compute(Step& step, const KvWrite& op, const Tensor&) {
  TROIKA_TRY(const auto spans, step.spans(Rows::tokens));
  TROIKA_TRY(const auto table, step.page_table());
  for (const Span& span : spans) {
    Pages pages(step, op.state, span, table);
    if (span.rows > 0) TROIKA_RETURN_IF_ERROR(pages.open(int64_t{span.position} + span.rows));
    for (int64_t row = 0; row < span.rows; row++)
      for (int64_t head = 0; head < op.k.spec.units; head++) {
        pages.write_key(span.position + row, head,
                        step.row(op.k, span.row_begin + row) + head * op.k.spec.width);
        pages.write_value(span.position + row, head,
                          step.row(op.v, span.row_begin + row) + head * op.v.spec.width);
      }
  }
  return ok();
}

Status compute(Step& step, const Attention& op, const Tensor& y) {
  TROIKA_TRY(const auto spans, step.spans(op.q.spec.rows));
  TROIKA_TRY(const auto table, step.page_table());
  const int64_t group = op.q.spec.units / op.kv_heads;
  for (const Span& span : spans) {
    Pages pages(step, op.state, span, table);
    if (span.rows > 0) TROIKA_RETURN_IF_ERROR(pages.open(int64_t{span.position} + span.rows));
    for (int64_t row = 0; row < span.rows; row++)
      for (int64_t head = 0; head < op.q.spec.units; head++)
        attend(op, pages, head / group, span.position + row,
               step.row(op.q, span.row_begin + row) + head * op.q.spec.width,
               step.row(y, span.row_begin + row) + head * op.value_dim);
  }
  return ok();
}

}  // namespace troika::reference
