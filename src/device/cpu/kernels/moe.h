// The contract of the kernels of mixtures of experts. Pointers need no alignment; nothing overlaps.
#pragma once

#include <cstdint>

namespace troika::cpu {

inline constexpr int64_t kRouterExpertsMax = 512;

/// How logits become the scores that choose.
enum class RouterScores : uint8_t { softmax, sigmoid, logits };

/// A row of logits to the experts chosen for it: pairs (id, weight), the largest score + bias
/// first, of equal ones the lowest id. What is not a number is never larger than another.
struct RouterArgs {
  const float* logits;
  const float* bias;  // added to choose, not to weigh; or null
  float* pairs;       // [used, 2]
  int64_t experts;    // 1 .. kRouterExpertsMax
  int64_t used;
  int64_t groups;       // divides experts
  int64_t groups_used;  // those whose two largest have the largest sums; hold at least `used`
  RouterScores scores;
  bool softmax_chosen;  // weights are the softmax of the chosen scores
  bool normalise;       // weights are divided by their sum, which counts as at least sum_min
  float sum_min;
  float scale;  // of the weights
};

struct MoeKernels {
  void (*route)(const RouterArgs& args) noexcept;
  /// y[i] += factor * x[i], rounded once or twice, the same for every i
  void (*add_scaled)(float factor, const float* x, float* y, int64_t count) noexcept;
};

MoeKernels portable_moe_kernels();
MoeKernels avx2_moe_kernels();
MoeKernels avx512_moe_kernels();

}  // namespace troika::cpu
