// The contract of the rotations: `units` vectors of `width` floats, of which the first `dims` are
// rotated and the rest copied. y may be x, otherwise nothing overlaps.
//
// cosine and sine are those of the row's position. For halves they have dims / 2 entries. For
// adjacent pairs each entry stands twice, dims in all, and the sine of the first of a pair is
// negated.
#pragma once

#include <cstdint>

namespace troika::cpu {

struct RotateArgs {
  const float* x;
  float* y;
  const float* cosine;
  const float* sine;
  int64_t units;
  int64_t width;
  int64_t dims;
};

struct RopeKernels {
  void (*rotate_halves)(const RotateArgs& args) noexcept;
  void (*rotate_adjacent)(const RotateArgs& args) noexcept;
};

RopeKernels portable_rope_kernels();
RopeKernels avx2_rope_kernels();
RopeKernels avx512_rope_kernels();
RopeKernels neon_rope_kernels();

}  // namespace troika::cpu
