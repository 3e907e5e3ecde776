// The recurrence of delta.h, AVX-512.
#include "device/cpu/kernels/delta_body.h"
#include "device/cpu/kernels/lanes_avx512.h"

namespace troika::cpu {

DeltaKernels avx512_delta_kernels() {
  return delta_kernels_of<avx512::Lanes>();
}

}  // namespace troika::cpu
