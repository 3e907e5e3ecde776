// Activations to 8 bits, AVX-512: the bytes of matmul_quantize_portable.cc. A block is held in
// registers; the largest absolute value is found on the bits as integers, where NaN is the largest.
#include "device/cpu/kernels/matmul_quantize_body.h"
#include "device/cpu/kernels/matmul_tile_avx512.h"

namespace troika::cpu::avx512 {
namespace {

/// 16 `Lines` values as 8 bits, 16 a register, and their scale.
template <int Lines>
struct Quantized {
  __m128i q[Lines];
  float d;

  /// `columns` <= 16 Lines values; the rest counts as zero.
  TROIKA_INLINE Quantized(const float* values, int64_t columns) {
    F x[Lines];
    Z largest = _mm512_setzero_si512();
    TROIKA_UNROLL for (int i = 0; i < Lines; i++) {
      const int64_t left = columns - 16 * i;
      const auto mask = static_cast<__mmask16>(left >= 16  ? 0xffff
                                               : left <= 0 ? 0
                                                           : (1 << left) - 1);
      x[i] = _mm512_maskz_loadu_ps(mask, values + 16 * i);
      const Z bits = _mm512_and_si512(_mm512_castps_si512(x[i]), _mm512_set1_epi32(0x7fffffff));
      largest = _mm512_max_epu32(largest, bits);
    }
    const uint32_t amax_bits = _mm512_reduce_max_epu32(largest);
    const bool finite = amax_bits < kInfinityBits;
    if (!finite || amax_bits < kSmallestBits) {
      const uint32_t d_bits = finite ? 0 : 0x7fc00000;  // zero or a quiet NaN
      std::memcpy(&d, &d_bits, sizeof d);
      TROIKA_UNROLL for (int i = 0; i < Lines; i++) q[i] = _mm_setzero_si128();
      return;
    }
    float amax;
    std::memcpy(&amax, &amax_bits, sizeof amax);
    d = amax / 127.0f;
    const F inverse = _mm512_set1_ps(127.0f / amax);
    TROIKA_UNROLL for (int i = 0; i < Lines; i++) {
      const Z rounded = _mm512_cvt_roundps_epi32(_mm512_mul_ps(x[i], inverse),
                                                 _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      q[i] = _mm512_cvtepi32_epi8(rounded);
    }
  }
};

/// The sum of 16 signed bytes.
TROIKA_INLINE int32_t sum16(__m128i q) {
  const __m128i fours = _mm_dpbusd_epi32(_mm_setzero_si128(), _mm_set1_epi8(1), q);
  const __m128i pairs = _mm_add_epi32(fours, _mm_shuffle_epi32(fours, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(pairs, _mm_shuffle_epi32(pairs, 0xb1)));
}

TROIKA_INLINE QuantSums sums16(__m128i q) {
  return {sum16(_mm_max_epi8(q, _mm_setzero_si128())), sum16(_mm_min_epi8(q, _mm_setzero_si128()))};
}

/// Quantises into a Super32 or Super16; `order` says which four columns of 64 go where.
template <class Super>
TROIKA_INLINE void quantize_super(const float* x, int64_t columns, std::byte* out, int64_t step,
                                  Z order) {
  for (int64_t k = 0; k < columns; k += 256, out += step) {
    const Quantized<16> block(x + k, columns - k);
    auto& super = *reinterpret_cast<Super*>(out);
    QuantSums sums[16];
    for (int i = 0; i < 16; i++) sums[i] = sums16(block.q[i]);
    alignas(64) int8_t q[256];
    TROIKA_UNROLL for (int i = 0; i < 16; i++)
        _mm_store_si128(reinterpret_cast<__m128i*>(q + 16 * i), block.q[i]);
    TROIKA_UNROLL for (int p = 0; p < 4; p++) _mm512_storeu_si512(
        super.q + 64 * p, _mm512_permutexvar_epi32(order, _mm512_load_si512(q + 64 * p)));
    super.d = block.d;
    set_sums(super, sums);
  }
}

}  // namespace

void quantize_block_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  for (int64_t k = 0; k < columns; k += 32, out += step) {
    const Quantized<2> block(x + k, columns - k);
    auto& target = *reinterpret_cast<Block32*>(out);
    for (int i = 0; i < 2; i++)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(target.q + 16 * i), block.q[i]);
    target.d = block.d;
    set_sums(target, sum16(block.q[0]) + sum16(block.q[1]));
  }
}

void quantize_super_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  const Z order = _mm512_setr_epi32(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  quantize_super<Super32>(x, columns, out, step, order);
}

void quantize_super_16(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  const Z order = _mm512_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
  quantize_super<Super16>(x, columns, out, step, order);
}

}  // namespace troika::cpu::avx512
