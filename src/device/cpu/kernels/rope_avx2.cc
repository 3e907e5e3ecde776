// The rotations of rope.h, AVX2.
#include "device/cpu/kernels/lanes_avx2.h"
#include "device/cpu/kernels/rope_body.h"

namespace troika::cpu {

RopeKernels avx2_rope_kernels() {
  return rope_kernels_of<avx2::Lanes>();
}

}  // namespace troika::cpu
