// Rotation of pairs: (x0, x1) -> magnitude (x0 cos - x1 sin, x0 sin + x1 cos).
#include <algorithm>
#include <cmath>
#include <vector>

#include "device/reference/ops.h"

namespace troika::reference {
namespace {

/// The absolute position of each row of a tensor.
Result<std::vector<int32_t>> positions_of(const Step& step, Rows rows) {
  TROIKA_TRY(const auto positions, step.ints(Input::positions, step.rows(Rows::tokens)));
  std::vector<int32_t> result(positions.begin(), positions.end());
  if (rows == Rows::outputs) {
    TROIKA_TRY(const auto output_rows, step.output_rows());
    result.clear();
    for (const int32_t row : output_rows) result.push_back(positions[static_cast<size_t>(row)]);
  }
  return result;
}

}  // namespace

Status compute(Step& step, const Rope& op, const Tensor& y) {
  const RopeOptions& options = op.options;
  TROIKA_TRY(const std::vector<int32_t> positions, positions_of(step, op.x.spec.rows));
  const int64_t half = std::ssize(options.frequencies);
  const double magnitude = options.magnitude;
  const int64_t width = op.x.spec.width;
  const bool adjacent = options.pairs == RopePairs::adjacent;
  std::ranges::copy(step.values(op.x), step.values(y).begin());
  for (int64_t t = 0; t < std::ssize(positions); t++) {
    for (int64_t i = 0; i < half; i++) {
      const double angle =
          positions[static_cast<size_t>(t)] * options.frequencies[static_cast<size_t>(i)];
      const double cosine = magnitude * std::cos(angle);
      const double sine = magnitude * std::sin(angle);
      const int64_t first = adjacent ? 2 * i : i;
      const int64_t second = adjacent ? 2 * i + 1 : i + half;
      for (int64_t u = 0; u < op.x.spec.units; u++) {
        const double* x = step.row(op.x, t) + u * width;
        double* to = step.row(y, t) + u * width;
        to[first] = x[first] * cosine - x[second] * sine;
        to[second] = x[first] * sine + x[second] * cosine;
      }
    }
  }
  return ok();
}

}  // namespace troika::reference
