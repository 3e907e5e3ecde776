// The largest of many, of argmax.h, NEON.
#include "device/cpu/kernels/argmax_body.h"
#include "device/cpu/kernels/lanes_neon.h"

namespace troika::cpu {

ArgmaxKernels neon_argmax_kernels() {
  return argmax_kernels_of<neon::Lanes>();
}

}  // namespace troika::cpu
