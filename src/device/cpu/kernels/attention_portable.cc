// Keys, values and softmax of attention.h, plain C++.
#include "device/cpu/kernels/attention_body.h"
#include "device/cpu/kernels/lanes_portable.h"

namespace troika::cpu {

AttentionKernels portable_attention_kernels() {
  return attention_kernels_of<portable::Lanes>();
}

}  // namespace troika::cpu
