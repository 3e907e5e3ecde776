// Ops that choose, keep or compare rows.
#include <algorithm>

#include "device/reference/ops.h"
#include "device/reference/state_layout.h"

namespace troika::reference {

Status compute(Step& step, const GatherRows& op, const Tensor& y) {
  TROIKA_TRY(const auto rows, step.output_rows());
  for (int64_t o = 0; o < std::ssize(rows); o++)
    std::copy_n(step.row(op.x, rows[static_cast<size_t>(o)]), y.spec.elements(), step.row(y, o));
  return ok();
}

Status compute(Step& step, const StoreRows& op, const Tensor&) {
  TROIKA_TRY(const auto units, step.ints(Input::hidden_out, step.rows(op.x.spec.rows)));
  for (int64_t t = 0; t < std::ssize(units); t++) {
    TROIKA_TRY(std::byte* const unit, step.state_unit(op.state, units[static_cast<size_t>(t)]));
    round_to(step.row(op.x, t), floats(unit), op.x.spec.elements());
  }
  return ok();
}

Status compute(Step& step, const LoadRows& op, const Tensor& y) {
  TROIKA_TRY(const auto units, step.ints(Input::hidden_in, step.rows(Rows::tokens)));
  for (int64_t t = 0; t < std::ssize(units); t++) {
    if (units[static_cast<size_t>(t)] == -1) continue;
    TROIKA_TRY(std::byte* const unit, step.state_unit(op.state, units[static_cast<size_t>(t)]));
    std::copy_n(floats(unit), op.width, step.row(y, t));
  }
  return ok();
}

// Compares what a caller sees, the float32 logits: rounding can make a tie, and the lowest id wins.
Status compute(Step& step, const Argmax& op, const Tensor& y) {
  for (int64_t t = 0; t < step.rows(op.x.spec.rows); t++) {
    const double* x = step.row(op.x, t);
    int64_t best = 0;
    for (int64_t i = 1; i < op.x.spec.elements(); i++)
      if (static_cast<float>(x[i]) > static_cast<float>(x[best])) best = i;
    *step.row(y, t) = static_cast<double>(best);
  }
  return ok();
}

Status compute(Step& step, const BlockRow& op, const Tensor& y) {
  TROIKA_TRY(const auto blocks, step.ints(Input::row_blocks, op.blocks));
  for (int64_t t = 0; t < step.rows(op.x.spec.rows); t++) {
    const auto element = static_cast<int64_t>(*step.row(op.x, t));
    const int64_t block = element / kBlockRows;
    if (element < 0 || block >= op.blocks)
      return fail(ErrorCode::invalid_argument, "element {} of {} blocks", element, op.blocks);
    *step.row(y, t) =
        static_cast<double>(blocks[static_cast<size_t>(block)] * kBlockRows + element % kBlockRows);
  }
  return ok();
}

}  // namespace troika::reference
