// The matmul kernels of the integer layouts with dot products (SDOT): NEON of Armv8.2 with dotprod.
// Weights of up to 7 bits are the same signed; wider ones are stored with an offset and made signed
// again.
#include "device/cpu/kernels/matmul_affine_dotprod.h"
#include "device/cpu/kernels/matmul_block32_dotprod.h"
#include "device/cpu/kernels/matmul_scaled_dotprod.h"
#include "device/cpu/kernels/matmul_table_dotprod.h"

namespace troika::cpu::dotprod {

void matmul_u4_32(const MatmulArgs& args) noexcept {
  neon::multiply<neon::Blocks32<neon::U4>>(args);
}
void matmul_i8_32(const MatmulArgs& args) noexcept {
  neon::multiply<neon::Blocks32<neon::I8>>(args);
}
void matmul_u4_affine(const MatmulArgs& args) noexcept {
  neon::multiply<neon::Affine<neon::U4Paired>>(args);
}
void matmul_u5_affine(const MatmulArgs& args) noexcept {
  neon::multiply<neon::Affine<neon::U5Paired>>(args);
}
void matmul_i6_scaled(const MatmulArgs& args) noexcept {
  neon::multiply<neon::Scaled<neon::I6Paired>>(args);
}
void matmul_i3_scaled(const MatmulArgs& args) noexcept {
  neon::multiply<neon::Scaled<neon::I3Paired>>(args);
}
void matmul_i4_table(const MatmulArgs& args) noexcept {
  neon::multiply<neon::I4Table>(args);
}

}  // namespace troika::cpu::dotprod
