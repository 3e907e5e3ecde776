// The convolution of conv.h, AVX2.
#include "device/cpu/kernels/conv_body.h"
#include "device/cpu/kernels/lanes_avx2.h"

namespace troika::cpu {

ConvKernels avx2_conv_kernels() {
  return conv_kernels_of<avx2::Lanes>();
}

}  // namespace troika::cpu
