// The elementwise kernels of elementwise.h, plain C++.
#include "device/cpu/kernels/elementwise_body.h"
#include "device/cpu/kernels/lanes_portable.h"

namespace troika::cpu {

ElementwiseKernels portable_elementwise_kernels() {
  return elementwise_kernels_of<portable::Lanes>();
}

}  // namespace troika::cpu
