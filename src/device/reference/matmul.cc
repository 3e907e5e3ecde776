// y[t, o] = sum_k w[o, k] x[t, k], k ascending. The split descriptor orders float32 sums; in
// float64 the order is far below what float32 shows, so the plainest one serves.
#include <array>
#include <vector>

#include "device/reference/ops.h"

namespace troika::reference {
namespace {

// Rows of x that go together. Their sums are independent; together they hide the latency of an
// addition.
constexpr int64_t kLanes = 8;

/// `lanes` rows of x as [inputs][kLanes], missing rows zero.
std::vector<double> interleave(Step& step, const Tensor& x, int64_t first, int64_t lanes) {
  const int64_t inputs = x.spec.elements();
  std::vector<double> interleaved(static_cast<size_t>(inputs * kLanes), 0.0);
  for (int64_t lane = 0; lane < lanes; lane++) {
    const double* row = step.row(x, first + lane);
    for (int64_t k = 0; k < inputs; k++)
      interleaved[static_cast<size_t>(k * kLanes + lane)] = row[k];
  }
  return interleaved;
}

/// y = the rows of w that `row(o)` names, times x.
template <typename RowOf>
void multiply(Step& step, const FloatMatrix& w, const Tensor& x_tensor, const Tensor& y,
              RowOf row_of) {
  const int64_t rows = step.rows(x_tensor.spec.rows);
  for (int64_t first = 0; first < rows; first += kLanes) {
    const int64_t lanes = std::min(kLanes, rows - first);
    const std::vector<double> x = interleave(step, x_tensor, first, lanes);
    for (int64_t o = 0; o < y.spec.elements(); o++) {
      const float* weights = w.row(row_of(o));
      std::array<double, kLanes> sums{};
      for (int64_t k = 0; k < w.inputs; k++) {
        const double weight = weights[k];
        const double* values = x.data() + k * kLanes;
        for (size_t lane = 0; lane < kLanes; lane++) sums[lane] += weight * values[lane];
      }
      for (int64_t lane = 0; lane < lanes; lane++)
        step.row(y, first + lane)[o] = sums[static_cast<size_t>(lane)];
    }
  }
}

}  // namespace

Status compute(Step& step, const MatMul& op, const Tensor& y) {
  multiply(step, step.weight(op.w), op.x, y, [](int64_t o) { return o; });
  return ok();
}

Status compute(Step& step, const MatMulBlocks& op, const Tensor& y) {
  const FloatMatrix& w = step.weight(op.w);
  TROIKA_TRY(const auto blocks, step.ints(Input::row_blocks, op.blocks));
  for (const int32_t block : blocks)
    if (block < 0 || block >= w.rows / kBlockRows)
      return fail(ErrorCode::invalid_argument, "block {} of {} rows", block, w.rows);
  multiply(step, w, op.x, y, [&](int64_t o) {
    return blocks[static_cast<size_t>(o / kBlockRows)] * kBlockRows + o % kBlockRows;
  });
  return ok();
}

}  // namespace troika::reference
