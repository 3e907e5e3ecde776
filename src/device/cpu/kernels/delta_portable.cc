// The recurrence of delta.h, plain C++.
#include "device/cpu/kernels/delta_body.h"
#include "device/cpu/kernels/lanes_portable.h"

namespace troika::cpu {

DeltaKernels portable_delta_kernels() {
  return delta_kernels_of<portable::Lanes>();
}

}  // namespace troika::cpu
