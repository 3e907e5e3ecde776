// The kernels of moe.h, AVX-512.
#include "device/cpu/kernels/lanes_avx512.h"
#include "device/cpu/kernels/moe_body.h"

namespace troika::cpu {

MoeKernels avx512_moe_kernels() {
  return moe_kernels_of<avx512::Lanes>();
}

}  // namespace troika::cpu
