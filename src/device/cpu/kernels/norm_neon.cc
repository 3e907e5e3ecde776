// Sums of squares of norm.h, NEON.
#include "device/cpu/kernels/lanes_neon.h"
#include "device/cpu/kernels/norm_body.h"

namespace troika::cpu {

NormKernels neon_norm_kernels() {
  return norm_kernels_of<neon::Lanes>();
}

}  // namespace troika::cpu
