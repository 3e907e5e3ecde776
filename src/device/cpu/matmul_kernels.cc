// The tables of matmul kernels, in the order of Layout and Activations.
#include "device/cpu/kernels/matmul_avx2.h"
#include "device/cpu/kernels/matmul_avx512.h"
#include "device/cpu/kernels/matmul_portable.h"

namespace troika::cpu {

MatmulKernels portable_matmul_kernels() {
  using namespace portable;
  return {{matmul_f32, matmul_f16, matmul_bf16, matmul_u4_32, matmul_i8_32, matmul_u4_affine,
           matmul_u5_affine, matmul_i6_scaled, matmul_i3_scaled, matmul_i4_table},
          {quantize_f32, quantize_block_32, quantize_super_32, quantize_super_16}};
}

MatmulKernels avx2_matmul_kernels() {
  using namespace avx2;
  return {{matmul_f32, matmul_f16, matmul_bf16, matmul_u4_32, matmul_i8_32, matmul_u4_affine,
           matmul_u5_affine, matmul_i6_scaled, matmul_i3_scaled, matmul_i4_table},
          {portable::quantize_f32, quantize_block_32, quantize_super_32, quantize_super_16}};
}

MatmulKernels avx512_matmul_kernels() {
  using namespace avx512;
  return {{matmul_f32, matmul_f16, matmul_bf16, matmul_u4_32, matmul_i8_32, matmul_u4_affine,
           matmul_u5_affine, matmul_i6_scaled, matmul_i3_scaled, matmul_i4_table},
          {portable::quantize_f32, quantize_block_32, quantize_super_32, quantize_super_16}};
}

}  // namespace troika::cpu
