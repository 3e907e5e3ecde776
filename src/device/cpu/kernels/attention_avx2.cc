// Keys, values and softmax of attention.h, AVX2.
#include "device/cpu/kernels/attention_body.h"
#include "device/cpu/kernels/lanes_avx2.h"

namespace troika::cpu {

AttentionKernels avx2_attention_kernels() {
  return attention_kernels_of<avx2::Lanes>();
}

}  // namespace troika::cpu
