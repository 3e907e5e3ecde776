// The contract of the norm kernels: `units` vectors of `width` floats one after the other. y may be
// x, otherwise nothing overlaps; no alignment is needed.
//
// Order of addition: lane l of 16 adds the squares of x[l], x[l + 16], ... in order; the lanes add
// in halves: (l, l + 8), (l, l + 4), (l, l + 2), (l, l + 1).
#pragma once

#include <cstdint>

namespace troika::cpu {

struct RmsNormArgs {
  const float* x;
  const float* weight;  // [width]
  float* y;
  int64_t units;
  int64_t width;
  float epsilon;
};

struct L2NormArgs {
  const float* x;
  float* y;
  int64_t units;
  int64_t width;
  float epsilon;
  float scale;
};

struct NormKernels {
  void (*rms_norm)(const RmsNormArgs& args) noexcept;
  void (*l2_norm)(const L2NormArgs& args) noexcept;
};

NormKernels portable_norm_kernels();
NormKernels avx2_norm_kernels();
NormKernels avx512_norm_kernels();
NormKernels neon_norm_kernels();

}  // namespace troika::cpu
