// The largest of many, of argmax.h, AVX-512.
#include "device/cpu/kernels/argmax_body.h"
#include "device/cpu/kernels/lanes_avx512.h"

namespace troika::cpu {

ArgmaxKernels avx512_argmax_kernels() {
  return argmax_kernels_of<avx512::Lanes>();
}

}  // namespace troika::cpu
