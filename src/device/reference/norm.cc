// rms_norm and l2_norm, over the width of each unit.
#include <cmath>

#include "device/reference/ops.h"

namespace troika::reference {
namespace {

double sum_of_squares(const double* x, int64_t width) {
  double sum = 0;
  for (int64_t i = 0; i < width; i++) sum += x[i] * x[i];
  return sum;
}

}  // namespace

Status compute(Step& step, const RmsNorm& op, const Tensor& y) {
  const float* weight = step.weight(op.weight).values.data();
  const int64_t width = op.x.spec.width;
  const int64_t units = step.rows(op.x.spec.rows) * op.x.spec.units;
  for (int64_t u = 0; u < units; u++) {
    const double* x = step.values(op.x).data() + u * width;
    double* to = step.values(y).data() + u * width;
    const double mean = sum_of_squares(x, width) / static_cast<double>(width);
    const double root = std::sqrt(mean + static_cast<double>(op.epsilon));
    for (int64_t i = 0; i < width; i++) to[i] = x[i] / root * static_cast<double>(weight[i]);
  }
  return ok();
}

Status compute(Step& step, const L2Norm& op, const Tensor& y) {
  const int64_t width = op.x.spec.width;
  const int64_t units = step.rows(op.x.spec.rows) * op.x.spec.units;
  for (int64_t u = 0; u < units; u++) {
    const double* x = step.values(op.x).data() + u * width;
    double* to = step.values(y).data() + u * width;
    const double length =
        std::max(std::sqrt(sum_of_squares(x, width)), static_cast<double>(op.epsilon));
    for (int64_t i = 0; i < width; i++) to[i] = x[i] / length * static_cast<double>(op.scale);
  }
  return ok();
}

}  // namespace troika::reference
