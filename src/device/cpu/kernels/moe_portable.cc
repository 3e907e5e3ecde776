// The kernels of moe.h, plain C++.
#include "device/cpu/kernels/lanes_portable.h"
#include "device/cpu/kernels/moe_body.h"

namespace troika::cpu {

MoeKernels portable_moe_kernels() {
  return moe_kernels_of<portable::Lanes>();
}

}  // namespace troika::cpu
