// The recurrence of delta.h, AVX2.
#include "device/cpu/kernels/delta_body.h"
#include "device/cpu/kernels/lanes_avx2.h"

namespace troika::cpu {

DeltaKernels avx2_delta_kernels() {
  return delta_kernels_of<avx2::Lanes>();
}

}  // namespace troika::cpu
