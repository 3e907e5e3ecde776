// The convolution of conv.h, plain C++.
#include "device/cpu/kernels/conv_body.h"
#include "device/cpu/kernels/lanes_portable.h"

namespace troika::cpu {

ConvKernels portable_conv_kernels() {
  return conv_kernels_of<portable::Lanes>();
}

}  // namespace troika::cpu
