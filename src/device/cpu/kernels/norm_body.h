// The norm kernels for any lanes.
#pragma once

#include "device/cpu/kernels/norm.h"

namespace troika::cpu {

template <class V>
inline int lanes_left(int64_t i, int64_t count) {
  return static_cast<int>(count - i < V::kCount ? count - i : V::kCount);
}

template <class V>
inline float sum_of_squares(const float* x, int64_t width) {
  V sum = V::all(0.0F);
  for (int64_t i = 0; i < width; i += V::kCount) {
    const V a = V::load_first(x + i, lanes_left<V>(i, width));
    sum = V::fma(a, a, sum);
  }
  return sum.sum();
}

template <class V>
inline void rms_norm_body(const RmsNormArgs& args) noexcept {
  for (int64_t unit = 0; unit < args.units; unit++) {
    const float* x = args.x + unit * args.width;
    float* y = args.y + unit * args.width;
    const float mean = sum_of_squares<V>(x, args.width) / static_cast<float>(args.width);
    const V factor = V::all(1.0F / V::root(mean + args.epsilon));
    for (int64_t i = 0; i < args.width; i += V::kCount) {
      const int n = lanes_left<V>(i, args.width);
      (V::load_first(x + i, n) * factor * V::load_first(args.weight + i, n)).store_first(y + i, n);
    }
  }
}

template <class V>
inline void l2_norm_body(const L2NormArgs& args) noexcept {
  for (int64_t unit = 0; unit < args.units; unit++) {
    const float* x = args.x + unit * args.width;
    float* y = args.y + unit * args.width;
    const float norm = V::root(sum_of_squares<V>(x, args.width));
    const V factor = V::all(args.scale / (norm > args.epsilon ? norm : args.epsilon));
    for (int64_t i = 0; i < args.width; i += V::kCount) {
      const int n = lanes_left<V>(i, args.width);
      (V::load_first(x + i, n) * factor).store_first(y + i, n);
    }
  }
}

template <class V>
inline NormKernels norm_kernels_of() {
  return {rms_norm_body<V>, l2_norm_body<V>};
}

}  // namespace troika::cpu
