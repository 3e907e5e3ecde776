// The contract of the argmax kernels. What is not a number is passed over.
#pragma once

#include <cstdint>

namespace troika::cpu {

struct ArgmaxKernels {
  /// The largest of x[0 .. count), minus infinity if there is none.
  float (*largest)(const float* x, int64_t count) noexcept;
  /// The lowest i with x[i] == value, or 0.
  int64_t (*find)(const float* x, int64_t count, float value) noexcept;
};

ArgmaxKernels portable_argmax_kernels();
ArgmaxKernels avx2_argmax_kernels();
ArgmaxKernels avx512_argmax_kernels();
ArgmaxKernels neon_argmax_kernels();

}  // namespace troika::cpu
