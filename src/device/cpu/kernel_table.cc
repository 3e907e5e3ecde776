#include "device/cpu/kernel_table.h"

#include "device/cpu/matmul.h"

namespace troika::cpu {

KernelTable kernel_table(Isa isa) {
  switch (isa) {
    case Isa::avx2:
      return {isa,
              avx2_elementwise_kernels(),
              avx2_norm_kernels(),
              avx2_rope_kernels(),
              avx2_attention_kernels(),
              avx2_conv_kernels(),
              avx2_delta_kernels(),
              avx2_argmax_kernels(),
              avx2_moe_kernels(),
              matmul_kernels(isa)};
    case Isa::avx512:
      return {isa,
              avx512_elementwise_kernels(),
              avx512_norm_kernels(),
              avx512_rope_kernels(),
              avx512_attention_kernels(),
              avx512_conv_kernels(),
              avx512_delta_kernels(),
              avx512_argmax_kernels(),
              avx512_moe_kernels(),
              matmul_kernels(isa)};
    case Isa::portable:
      break;
  }
  return {Isa::portable,
          portable_elementwise_kernels(),
          portable_norm_kernels(),
          portable_rope_kernels(),
          portable_attention_kernels(),
          portable_conv_kernels(),
          portable_delta_kernels(),
          portable_argmax_kernels(),
          portable_moe_kernels(),
          matmul_kernels(Isa::portable)};
}

}  // namespace troika::cpu
