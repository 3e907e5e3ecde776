// The AVX2 matmul kernels, one a layout; see kernels/matmul.h.
#pragma once

#include "device/cpu/kernels/matmul.h"

namespace troika::cpu::avx2 {

void matmul_f32(const MatmulArgs& args) noexcept;
void matmul_f16(const MatmulArgs& args) noexcept;
void matmul_bf16(const MatmulArgs& args) noexcept;
void matmul_u4_32(const MatmulArgs& args) noexcept;
void matmul_i8_32(const MatmulArgs& args) noexcept;
void matmul_u4_affine(const MatmulArgs& args) noexcept;
void matmul_u5_affine(const MatmulArgs& args) noexcept;
void matmul_i6_scaled(const MatmulArgs& args) noexcept;
void matmul_i3_scaled(const MatmulArgs& args) noexcept;
void matmul_i4_table(const MatmulArgs& args) noexcept;

void quantize_block_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept;
void quantize_super_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept;
void quantize_super_16(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept;

}  // namespace troika::cpu::avx2
