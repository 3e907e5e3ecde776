// The rotations of rope.h, plain C++.
#include "device/cpu/kernels/lanes_portable.h"
#include "device/cpu/kernels/rope_body.h"

namespace troika::cpu {

RopeKernels portable_rope_kernels() {
  return rope_kernels_of<portable::Lanes>();
}

}  // namespace troika::cpu
