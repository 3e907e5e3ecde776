// Keys, values and softmax of attention.h, AVX-512.
#include "device/cpu/kernels/attention_body.h"
#include "device/cpu/kernels/lanes_avx512.h"

namespace troika::cpu {

AttentionKernels avx512_attention_kernels() {
  return attention_kernels_of<avx512::Lanes>();
}

}  // namespace troika::cpu
