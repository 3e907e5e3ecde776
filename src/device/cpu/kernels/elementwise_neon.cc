// The elementwise kernels of elementwise.h, NEON.
#include "device/cpu/kernels/elementwise_body.h"
#include "device/cpu/kernels/lanes_neon.h"

namespace troika::cpu {

ElementwiseKernels neon_elementwise_kernels() {
  return elementwise_kernels_of<neon::Lanes>();
}

}  // namespace troika::cpu
