// The largest of many, of argmax.h, plain C++.
#include "device/cpu/kernels/argmax_body.h"
#include "device/cpu/kernels/lanes_portable.h"

namespace troika::cpu {

ArgmaxKernels portable_argmax_kernels() {
  return argmax_kernels_of<portable::Lanes>();
}

}  // namespace troika::cpu
