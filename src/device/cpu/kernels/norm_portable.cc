// Sums of squares of norm.h, plain C++.
#include "device/cpu/kernels/lanes_portable.h"
#include "device/cpu/kernels/norm_body.h"

namespace troika::cpu {

NormKernels portable_norm_kernels() {
  return norm_kernels_of<portable::Lanes>();
}

}  // namespace troika::cpu
