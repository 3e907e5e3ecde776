// The rotations for any lanes.
#pragma once

#include "device/cpu/kernels/rope.h"

namespace troika::cpu {

template <class V>
inline void copy_rest(const RotateArgs& args, int64_t unit) {
  if (args.x == args.y) return;
  for (int64_t i = args.dims; i < args.width; i++)
    args.y[unit * args.width + i] = args.x[unit * args.width + i];
}

template <class V>
inline void rotate_halves_body(const RotateArgs& args) noexcept {
  const int64_t half = args.dims / 2;
  for (int64_t unit = 0; unit < args.units; unit++) {
    const float* x = args.x + unit * args.width;
    float* y = args.y + unit * args.width;
    for (int64_t i = 0; i < half; i += V::kCount) {
      const int n = static_cast<int>(half - i < V::kCount ? half - i : V::kCount);
      const V a = V::load_first(x + i, n);
      const V b = V::load_first(x + half + i, n);
      const V cosine = V::load_first(args.cosine + i, n);
      const V sine = V::load_first(args.sine + i, n);
      V::fma(a, cosine, V::all(0.0F) - b * sine).store_first(y + i, n);
      V::fma(a, sine, b * cosine).store_first(y + half + i, n);
    }
    copy_rest<V>(args, unit);
  }
}

template <class V>
inline void rotate_adjacent_body(const RotateArgs& args) noexcept {
  for (int64_t unit = 0; unit < args.units; unit++) {
    const float* x = args.x + unit * args.width;
    float* y = args.y + unit * args.width;
    for (int64_t i = 0; i < args.dims; i += V::kCount) {  // dims is even: pairs stay whole
      const int n = static_cast<int>(args.dims - i < V::kCount ? args.dims - i : V::kCount);
      const V a = V::load_first(x + i, n);
      const V turned = a.swap_pairs() * V::load_first(args.sine + i, n);
      V::fma(a, V::load_first(args.cosine + i, n), turned).store_first(y + i, n);
    }
    copy_rest<V>(args, unit);
  }
}

template <class V>
inline RopeKernels rope_kernels_of() {
  return {rotate_halves_body<V>, rotate_adjacent_body<V>};
}

}  // namespace troika::cpu
