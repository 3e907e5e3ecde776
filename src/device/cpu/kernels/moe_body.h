// The kernels of mixtures of experts for any lanes. Sums over experts are taken in lanes, sums over
// the chosen ones in the order in which they were chosen.
#pragma once

#include "device/cpu/kernels/elementwise_body.h"
#include "device/cpu/kernels/moe.h"

namespace troika::cpu {

template <class V>
inline void softmax_in_place(float* x, int64_t count) {
  const V least = V::all(-__builtin_inff());
  V largest = least;
  in_lanes<V>(count, [&](int64_t i, int n) {
    largest = V::max(V::load_first(x + i, n).first(n, least), largest);
  });
  const V top = V::all(largest.largest());
  V sum = V::all(0.0F);
  in_lanes<V>(count, [&](int64_t i, int n) {
    const V e = exp_of<V>(V::load_first(x + i, n) - top).first(n, V::all(0.0F));
    e.store_first(x + i, n);
    sum = sum + e;
  });
  const V total = V::all(sum.sum());
  in_lanes<V>(count,
              [&](int64_t i, int n) { (V::load_first(x + i, n) / total).store_first(x + i, n); });
}

/// The place of the largest of the values that are not barred, the lowest of equals; one must be
/// free. Bars it.
template <class V>
inline int64_t take_largest(const float* values, bool* barred, int64_t count) {
  int64_t best = -1;
  for (int64_t i = 0; i < count; i++)
    if (!barred[i] && (best < 0 || values[i] > values[best])) best = i;
  barred[best] = true;
  return best;
}

/// Bars the experts outside of the best groups.
template <class V>
inline void bar_groups(const RouterArgs& args, const float* values, bool* barred) {
  const int64_t group = args.experts / args.groups;
  float sums[kRouterExpertsMax];
  bool taken[kRouterExpertsMax] = {};
  bool chosen[kRouterExpertsMax] = {};
  for (int64_t g = 0; g < args.groups; g++) {
    const float* of = values + g * group;
    sums[g] = of[take_largest<V>(of, taken + g * group, group)];
    if (group > 1) sums[g] += of[take_largest<V>(of, taken + g * group, group)];
  }
  for (int64_t i = 0; i < args.groups_used; i++) take_largest<V>(sums, chosen, args.groups);
  for (int64_t e = 0; e < args.experts; e++) barred[e] = !chosen[e / group];
}

template <class V>
inline void scores_of(const RouterArgs& args, float* scores) {
  in_lanes<V>(args.experts, [&](int64_t i, int n) {
    const V x = V::load_first(args.logits + i, n);
    (args.scores == RouterScores::sigmoid ? sigmoid_of<V>(x) : x).store_first(scores + i, n);
  });
  if (args.scores == RouterScores::softmax) softmax_in_place<V>(scores, args.experts);
}

template <class V>
inline void route_body(const RouterArgs& args) noexcept {
  float scores[kRouterExpertsMax];
  float values[kRouterExpertsMax];
  float weights[kRouterExpertsMax];
  bool barred[kRouterExpertsMax] = {};
  scores_of<V>(args, scores);
  for (int64_t e = 0; e < args.experts; e++)
    values[e] = args.bias == nullptr ? scores[e] : scores[e] + args.bias[e];
  if (args.groups_used < args.groups) bar_groups<V>(args, values, barred);
  for (int64_t j = 0; j < args.used; j++) {
    const int64_t id = take_largest<V>(values, barred, args.experts);
    args.pairs[2 * j] = static_cast<float>(id);
    weights[j] = scores[id];
  }
  if (args.softmax_chosen) softmax_in_place<V>(weights, args.used);
  float sum = 0;
  for (int64_t j = 0; j < args.used; j++) sum += weights[j];
  if (sum < args.sum_min) sum = args.sum_min;
  for (int64_t j = 0; j < args.used; j++)
    args.pairs[2 * j + 1] = (args.normalise ? weights[j] / sum : weights[j]) * args.scale;
}

template <class V>
inline void add_scaled_body(float factor, const float* x, float* y, int64_t count) noexcept {
  const V f = V::all(factor);
  in_lanes<V>(count, [&](int64_t i, int n) {
    V::fma(f, V::load_first(x + i, n), V::load_first(y + i, n)).store_first(y + i, n);
  });
}

template <class V>
inline MoeKernels moe_kernels_of() {
  return {route_body<V>, add_scaled_body<V>};
}

}  // namespace troika::cpu
