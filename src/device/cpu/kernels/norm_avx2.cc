// Sums of squares of norm.h, AVX2.
#include "device/cpu/kernels/lanes_avx2.h"
#include "device/cpu/kernels/norm_body.h"

namespace troika::cpu {

NormKernels avx2_norm_kernels() {
  return norm_kernels_of<avx2::Lanes>();
}

}  // namespace troika::cpu
