// The rotations of rope.h, AVX-512.
#include "device/cpu/kernels/lanes_avx512.h"
#include "device/cpu/kernels/rope_body.h"

namespace troika::cpu {

RopeKernels avx512_rope_kernels() {
  return rope_kernels_of<avx512::Lanes>();
}

}  // namespace troika::cpu
