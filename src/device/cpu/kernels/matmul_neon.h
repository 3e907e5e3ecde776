// The matmul kernels of AArch64, one a layout; see kernels/matmul.h. What needs no more than NEON
// is in neon; the integer layouts are in dotprod (SDOT) and i8mm (also USDOT and SMMLA). All give
// the same bits.
#pragma once

#include "device/cpu/kernels/matmul.h"

namespace troika::cpu::neon {

void matmul_f32(const MatmulArgs& args) noexcept;
void matmul_f16(const MatmulArgs& args) noexcept;
void matmul_bf16(const MatmulArgs& args) noexcept;

void quantize_block_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept;
void quantize_super_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept;
void quantize_super_16(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept;

}  // namespace troika::cpu::neon

namespace troika::cpu::dotprod {

void matmul_u4_32(const MatmulArgs& args) noexcept;
void matmul_i8_32(const MatmulArgs& args) noexcept;
void matmul_u4_affine(const MatmulArgs& args) noexcept;
void matmul_u5_affine(const MatmulArgs& args) noexcept;
void matmul_i6_scaled(const MatmulArgs& args) noexcept;
void matmul_i3_scaled(const MatmulArgs& args) noexcept;
void matmul_i4_table(const MatmulArgs& args) noexcept;

}  // namespace troika::cpu::dotprod

namespace troika::cpu::i8mm {

void matmul_u4_32(const MatmulArgs& args) noexcept;
void matmul_i8_32(const MatmulArgs& args) noexcept;
void matmul_u4_affine(const MatmulArgs& args) noexcept;
void matmul_u5_affine(const MatmulArgs& args) noexcept;
void matmul_i6_scaled(const MatmulArgs& args) noexcept;

}  // namespace troika::cpu::i8mm
