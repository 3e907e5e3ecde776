// The largest of many, of argmax.h, AVX2.
#include "device/cpu/kernels/argmax_body.h"
#include "device/cpu/kernels/lanes_avx2.h"

namespace troika::cpu {

ArgmaxKernels avx2_argmax_kernels() {
  return argmax_kernels_of<avx2::Lanes>();
}

}  // namespace troika::cpu
