// The argmax kernels for any lanes.
#pragma once

#include "device/cpu/kernels/argmax.h"

namespace troika::cpu {

template <class V>
inline float largest_body(const float* x, int64_t count) noexcept {
  const V least = V::all(-__builtin_inff());
  V best = least;
  for (int64_t i = 0; i < count; i += V::kCount) {
    const int n = static_cast<int>(count - i < V::kCount ? count - i : V::kCount);
    best = V::max(V::load_first(x + i, n).first(n, least), best);
  }
  return best.largest();
}

template <class V>
inline int64_t find_body(const float* x, int64_t count, float value) noexcept {
  for (int64_t i = 0; i < count; i++)
    if (x[i] == value) return i;
  return 0;
}

template <class V>
inline ArgmaxKernels argmax_kernels_of() {
  return {largest_body<V>, find_body<V>};
}

}  // namespace troika::cpu
