// The elementwise kernels of elementwise.h, AVX-512.
#include "device/cpu/kernels/elementwise_body.h"
#include "device/cpu/kernels/lanes_avx512.h"

namespace troika::cpu {

ElementwiseKernels avx512_elementwise_kernels() {
  return elementwise_kernels_of<avx512::Lanes>();
}

}  // namespace troika::cpu
