// The tables of matmul kernels of AArch64, in the order of Layout and Activations.
#include "device/cpu/kernels/matmul_neon.h"
#include "device/cpu/kernels/matmul_portable.h"

namespace troika::cpu {

MatmulKernels dotprod_matmul_kernels() {
  using namespace dotprod;
  using neon::matmul_f32, neon::matmul_f16, neon::matmul_bf16;
  return {{matmul_f32, matmul_f16, matmul_bf16, matmul_u4_32, matmul_i8_32, matmul_u4_affine,
           matmul_u5_affine, matmul_i6_scaled, matmul_i3_scaled, matmul_i4_table},
          {portable::quantize_f32, neon::quantize_block_32, neon::quantize_super_32,
           neon::quantize_super_16}};
}

MatmulKernels i8mm_matmul_kernels() {
  MatmulKernels kernels = dotprod_matmul_kernels();
  kernels.matmul[static_cast<int>(Layout::u4_32)] = i8mm::matmul_u4_32;
  kernels.matmul[static_cast<int>(Layout::i8_32)] = i8mm::matmul_i8_32;
  kernels.matmul[static_cast<int>(Layout::u4_affine)] = i8mm::matmul_u4_affine;
  kernels.matmul[static_cast<int>(Layout::u5_affine)] = i8mm::matmul_u5_affine;
  kernels.matmul[static_cast<int>(Layout::i6_scaled)] = i8mm::matmul_i6_scaled;
  return kernels;
}

}  // namespace troika::cpu
