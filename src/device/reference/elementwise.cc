// Sums and products by element, and joining or taking parts of rows.
#include <algorithm>
#include <cmath>

#include "device/reference/ops.h"

namespace troika::reference {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

double silu(double x) {
  return x / (1 + std::exp(-x));
}

Status compute(Step& step, const Add& op, const Tensor& y) {
  const auto a = step.values(op.a);
  const auto b = step.values(op.b);
  const auto to = step.values(y);
  for (size_t i = 0; i < to.size(); i++) to[i] = a[i] + b[i];
  return ok();
}

Status compute(Step& step, const AddBias& op, const Tensor& y) {
  const std::vector<float>& bias = step.weight(op.bias).values;
  const auto x = step.values(op.x);
  const auto to = step.values(y);
  for (size_t i = 0; i < to.size(); i++) to[i] = x[i] + static_cast<double>(bias[i % bias.size()]);
  return ok();
}

Status compute(Step& step, const SwiGlu& op, const Tensor& y) {
  const auto gate = step.values(op.gate);
  const auto up = step.values(op.up);
  const auto to = step.values(y);
  for (size_t i = 0; i < to.size(); i++) to[i] = silu(gate[i]) * up[i];
  return ok();
}

Status compute(Step& step, const Gate& op, const Tensor& y) {
  const auto x = step.values(op.x);
  const auto gate = step.values(op.gate);
  const auto to = step.values(y);
  const auto sharing = static_cast<size_t>(op.x.spec.elements() / op.gate.spec.elements());
  for (size_t i = 0; i < to.size(); i++) {
    const double g = gate[i / sharing];
    to[i] = x[i] * (op.function == GateFunction::silu ? silu(g) : sigmoid(g));
  }
  return ok();
}

Status compute(Step& step, const Concat& op, const Tensor& y) {
  const int64_t a_width = op.a.spec.width;
  const int64_t b_width = op.b.spec.width;
  const int64_t units = step.rows(y.spec.rows) * y.spec.units;
  double* to = step.values(y).data();
  for (int64_t u = 0; u < units; u++) {
    to = std::copy_n(step.values(op.a).data() + u * a_width, a_width, to);
    to = std::copy_n(step.values(op.b).data() + u * b_width, b_width, to);
  }
  return ok();
}

Status compute(Step& step, const Slice& op, const Tensor& y) {
  const int64_t units = step.rows(y.spec.rows) * y.spec.units;
  double* to = step.values(y).data();
  for (int64_t u = 0; u < units; u++)
    to = std::copy_n(step.values(op.x).data() + u * op.x.spec.width + op.begin, op.width, to);
  return ok();
}

}  // namespace troika::reference
