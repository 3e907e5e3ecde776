// The kernels of moe.h, AVX2.
#include "device/cpu/kernels/lanes_avx2.h"
#include "device/cpu/kernels/moe_body.h"

namespace troika::cpu {

MoeKernels avx2_moe_kernels() {
  return moe_kernels_of<avx2::Lanes>();
}

}  // namespace troika::cpu
