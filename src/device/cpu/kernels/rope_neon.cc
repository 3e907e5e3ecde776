// The rotations of rope.h, NEON.
#include "device/cpu/kernels/lanes_neon.h"
#include "device/cpu/kernels/rope_body.h"

namespace troika::cpu {

RopeKernels neon_rope_kernels() {
  return rope_kernels_of<neon::Lanes>();
}

}  // namespace troika::cpu
