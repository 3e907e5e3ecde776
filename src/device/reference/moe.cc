// Mixtures of experts. Experts add in the order in which the router lists them; the leaves that
// order float32 sums are, in float64, far below what float32 shows (see matmul.cc).
#include <algorithm>
#include <cmath>
#include <vector>

#include "device/reference/ops.h"

namespace troika::reference {
namespace {

std::vector<double> softmax(std::vector<double> x) {
  const double largest = *std::ranges::max_element(x);
  double sum = 0;
  for (double& value : x) sum += value = std::exp(value - largest);
  for (double& value : x) value /= sum;
  return x;
}

std::vector<double> scores_of(const double* logits, int64_t experts, Gating gating) {
  std::vector<double> scores(logits, logits + experts);
  if (gating == Gating::softmax) return softmax(std::move(scores));
  if (gating == Gating::sigmoid)
    for (double& score : scores) score = sigmoid(score);
  return scores;
}

/// The places of the `count` largest values that are not `barred`, the lowest first among equals.
/// What is not a number is never larger.
std::vector<int64_t> largest(const std::vector<double>& values, int64_t count,
                             std::vector<bool> barred) {
  std::vector<int64_t> places;
  while (std::ssize(places) < count) {
    int64_t best = -1;
    for (int64_t i = 0; i < std::ssize(values); i++) {
      const auto at = static_cast<size_t>(i);
      if (!barred[at] && (best < 0 || values[at] > values[static_cast<size_t>(best)])) best = i;
    }
    barred[static_cast<size_t>(best)] = true;
    places.push_back(best);
  }
  return places;
}

/// Which experts are outside of the groups that were chosen.
std::vector<bool> bar_groups(const std::vector<double>& scores, const RouterOptions& options) {
  const int64_t group = std::ssize(scores) / options.groups;
  std::vector<double> sums;
  for (int64_t g = 0; g < options.groups; g++) {
    const std::vector<double> of(scores.begin() + g * group, scores.begin() + (g + 1) * group);
    double sum = 0;
    for (const int64_t place :
         largest(of, std::min<int64_t>(2, group), std::vector<bool>(of.size())))
      sum += of[static_cast<size_t>(place)];
    sums.push_back(sum);
  }
  std::vector<bool> barred(scores.size(), true);
  for (const int64_t g : largest(sums, options.groups_used, std::vector<bool>(sums.size())))
    std::fill_n(barred.begin() + g * group, group, false);
  return barred;
}

/// The weights of the chosen experts, best first.
std::vector<double> weights_of(const std::vector<int64_t>& chosen,
                               const std::vector<double>& scores, const RouterOptions& options) {
  std::vector<double> weights;
  for (const int64_t expert : chosen) weights.push_back(scores[static_cast<size_t>(expert)]);
  if (options.gating == Gating::softmax_chosen) weights = softmax(std::move(weights));
  double sum = 0;
  for (const double weight : weights) sum += weight;
  sum = std::max(sum, static_cast<double>(kChosenSumMin));
  for (double& weight : weights)
    weight = (options.normalise ? weight / sum : weight) * static_cast<double>(options.scale);
  return weights;
}

/// Expert number `rank` of row `row`.
Result<int64_t> expert_at(Step& step, const Routing& routing, int64_t row, int64_t rank) {
  const double id = step.row(routing.chosen, row)[2 * rank];
  if (!(id >= 0 && id < static_cast<double>(routing.experts)))
    return fail(ErrorCode::invalid_argument, "row {} routed to expert {} of {}", row, id,
                routing.experts);
  return static_cast<int64_t>(id);
}

double product(const float* weights, const double* x, int64_t inputs) {
  double sum = 0;
  for (int64_t k = 0; k < inputs; k++) sum += static_cast<double>(weights[k]) * x[k];
  return sum;
}

}  // namespace

Status compute(Step& step, const RouterTopK& op, const Tensor& y) {
  const int64_t experts = op.logits.spec.elements();
  for (int64_t t = 0; t < step.rows(y.spec.rows); t++) {
    const std::vector<double> scores =
        scores_of(step.row(op.logits, t), experts, op.options.gating);
    std::vector<double> selection = scores;
    if (op.selection_bias.present())
      for (size_t e = 0; e < selection.size(); e++)
        selection[e] += static_cast<double>(step.weight(op.selection_bias).values[e]);
    const std::vector<int64_t> chosen =
        largest(selection, op.options.used, bar_groups(selection, op.options));
    const std::vector<double> weights = weights_of(chosen, scores, op.options);
    for (size_t j = 0; j < chosen.size(); j++) {
      step.row(y, t)[2 * j] = static_cast<double>(chosen[j]);
      step.row(y, t)[2 * j + 1] = weights[j];
    }
  }
  return ok();
}

Status compute(Step& step, const ExpertMatMul& op, const Tensor& y) {
  const FloatMatrix& w = step.weight(op.w);
  const int64_t outputs = y.spec.width;
  for (int64_t t = 0; t < step.rows(y.spec.rows); t++)
    for (int64_t j = 0; j < y.spec.units; j++) {
      TROIKA_TRY(const int64_t expert, expert_at(step, op.routing, t, j));
      for (int64_t o = 0; o < outputs; o++)
        step.row(y, t)[j * outputs + o] =
            product(w.row(expert * outputs + o), step.row(op.x, t), w.inputs);
    }
  return ok();
}

Status compute(Step& step, const ExpertSum& op, const Tensor& y) {
  const FloatMatrix& w = step.weight(op.w);
  const int64_t outputs = y.spec.elements();
  for (int64_t t = 0; t < step.rows(y.spec.rows); t++)
    for (int64_t j = 0; j < op.x.spec.units; j++) {
      TROIKA_TRY(const int64_t expert, expert_at(step, op.routing, t, j));
      const double weight = step.row(op.routing.chosen, t)[2 * j + 1];
      for (int64_t o = 0; o < outputs; o++)
        step.row(y, t)[o] += weight * product(w.row(expert * outputs + o),
                                              step.row(op.x, t) + j * w.inputs, w.inputs);
    }
  return ok();
}

}  // namespace troika::reference
