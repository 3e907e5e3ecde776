// The matmul kernels with the matrix products of 8-bit integers (i8mm). One tile of tokens goes by
// dot products as in matmul_dotprod.cc, several by SMMLA: there unpacking pays.
#include "device/cpu/kernels/matmul_block32_i8mm.h"
#include "device/cpu/kernels/matmul_paired_i8mm.h"

namespace troika::cpu::i8mm {

void matmul_u4_32(const MatmulArgs& args) noexcept {
  neon::multiply<neon::MatrixBlocks32<neon::U4>>(args);
}
void matmul_i8_32(const MatmulArgs& args) noexcept {
  neon::multiply<neon::MatrixBlocks32<neon::U8>>(args);
}
void matmul_u4_affine(const MatmulArgs& args) noexcept {
  neon::multiply<neon::MatrixAffine<neon::U4Paired>>(args);
}
void matmul_u5_affine(const MatmulArgs& args) noexcept {
  neon::multiply<neon::MatrixAffine<neon::U5Paired>>(args);
}
void matmul_i6_scaled(const MatmulArgs& args) noexcept {
  neon::multiply<neon::MatrixI6>(args);
}

}  // namespace troika::cpu::i8mm
