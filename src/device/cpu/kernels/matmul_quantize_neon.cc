// Activations to 8 bits, NEON: the bytes of matmul_quantize_portable.cc. The largest absolute value
// is found on the bits as integers, where NaN is the largest.
#include <cstring>

#include "device/cpu/kernels/matmul_quantize_body.h"
#include "device/cpu/kernels/matmul_tile_neon.h"

namespace troika::cpu::neon {
namespace {

/// Four values times `inverse` to the nearest integers, ties to even, in 16 bits.
TROIKA_INLINE int16x4_t rounded(const float* values, float inverse) {
  return vmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(values), inverse)));
}

/// 16 `Groups` values as 8 bits, 16 a register, and their scale.
template <int Groups>
struct Quantized {
  B q[Groups];
  float d;

  TROIKA_INLINE explicit Quantized(const float* values) {
    uint32x4_t bits = vdupq_n_u32(0);
    for (int i = 0; i < 16 * Groups; i += 4)
      bits = vmaxq_u32(bits, vreinterpretq_u32_f32(vabsq_f32(vld1q_f32(values + i))));
    const uint32_t amax_bits = vmaxvq_u32(bits);
    const bool finite = amax_bits < kInfinityBits;
    if (!finite || amax_bits < kSmallestBits) {
      const uint32_t d_bits = finite ? 0 : 0x7fc00000;  // zero or a quiet NaN
      std::memcpy(&d, &d_bits, sizeof d);
      for (B& group : q) group = vdupq_n_s8(0);
      return;
    }
    float amax;
    std::memcpy(&amax, &amax_bits, sizeof amax);
    d = amax / 127.0f;
    const float inverse = 127.0f / amax;
    for (int i = 0; i < Groups; i++) {
      const float* x = values + 16 * i;
      const int16x8_t low = vcombine_s16(rounded(x, inverse), rounded(x + 4, inverse));
      const int16x8_t high = vcombine_s16(rounded(x + 8, inverse), rounded(x + 12, inverse));
      q[i] = vcombine_s8(vmovn_s16(low), vmovn_s16(high));
    }
  }
};

/// The first `columns` of Columns values, the rest zero; `buffer` is used where they are not whole.
template <int Columns>
TROIKA_INLINE const float* whole_block(const float* x, int64_t columns, float* buffer) {
  if (columns >= Columns) return x;
  std::memset(buffer, 0, Columns * sizeof(float));
  std::memcpy(buffer, x, static_cast<size_t>(columns) * sizeof(float));
  return buffer;
}

TROIKA_INLINE QuantSums sums16(B q) {
  return {vaddlvq_s8(vmaxq_s8(q, vdupq_n_s8(0))), vaddlvq_s8(vminq_s8(q, vdupq_n_s8(0)))};
}

/// Writes two sub-blocks that take turns every four columns.
TROIKA_INLINE void interleave(B even, B odd, int8_t* out) {
  const Z a = vreinterpretq_s32_s8(even), b = vreinterpretq_s32_s8(odd);
  vst1q_s8(out, vreinterpretq_s8_s32(vzip1q_s32(a, b)));
  vst1q_s8(out + 16, vreinterpretq_s8_s32(vzip2q_s32(a, b)));
}

/// Quantises into a Super32 or Super16, whose sub-blocks are `Sub` registers.
template <class Super, int Sub>
TROIKA_INLINE void quantize_super(const float* x, int64_t columns, std::byte* out, int64_t step) {
  float buffer[256];
  for (int64_t k = 0; k < columns; k += 256, out += step) {
    const Quantized<16> block(whole_block<256>(x + k, columns - k, buffer));
    auto& super = *reinterpret_cast<Super*>(out);
    QuantSums sums[16];
    for (int i = 0; i < 16; i++) sums[i] = sums16(block.q[i]);
    for (int p = 0; p < 16; p += 2 * Sub)
      for (int i = 0; i < Sub; i++)
        interleave(block.q[p + i], block.q[p + Sub + i], super.q + 16 * p + 32 * i);
    super.d = block.d;
    set_sums(super, sums);
  }
}

}  // namespace

void quantize_block_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  float buffer[32];
  for (int64_t k = 0; k < columns; k += 32, out += step) {
    const Quantized<2> block(whole_block<32>(x + k, columns - k, buffer));
    auto& target = *reinterpret_cast<Block32*>(out);
    vst1q_s8(target.q, block.q[0]);
    vst1q_s8(target.q + 16, block.q[1]);
    target.d = block.d;
    set_sums(target, vaddlvq_s8(block.q[0]) + vaddlvq_s8(block.q[1]));
  }
}

void quantize_super_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  quantize_super<Super32, 2>(x, columns, out, step);
}

void quantize_super_16(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  quantize_super<Super16, 1>(x, columns, out, step);
}

}  // namespace troika::cpu::neon
