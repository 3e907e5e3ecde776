// Sums of squares of norm.h, AVX-512.
#include "device/cpu/kernels/lanes_avx512.h"
#include "device/cpu/kernels/norm_body.h"

namespace troika::cpu {

NormKernels avx512_norm_kernels() {
  return norm_kernels_of<avx512::Lanes>();
}

}  // namespace troika::cpu
