// The elementwise kernels of elementwise.h, AVX2.
#include "device/cpu/kernels/elementwise_body.h"
#include "device/cpu/kernels/lanes_avx2.h"

namespace troika::cpu {

ElementwiseKernels avx2_elementwise_kernels() {
  return elementwise_kernels_of<avx2::Lanes>();
}

}  // namespace troika::cpu
