// The convolution of conv.h, AVX-512.
#include "device/cpu/kernels/conv_body.h"
#include "device/cpu/kernels/lanes_avx512.h"

namespace troika::cpu {

ConvKernels avx512_conv_kernels() {
  return conv_kernels_of<avx512::Lanes>();
}

}  // namespace troika::cpu
