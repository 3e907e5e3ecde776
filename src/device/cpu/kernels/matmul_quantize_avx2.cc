// Activations to 8 bits, AVX2: the bytes of matmul_quantize_portable.cc. The largest absolute value
// is found on the bits as integers, where NaN is the largest.
#include "device/cpu/kernels/matmul_quantize_body.h"
#include "device/cpu/kernels/matmul_tile_avx2.h"

namespace troika::cpu::avx2 {
namespace {

TROIKA_INLINE uint32_t largest(Y x) {
  __m128i y = _mm_max_epu32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  y = _mm_max_epu32(y, _mm_shuffle_epi32(y, 0x4e));
  y = _mm_max_epu32(y, _mm_shuffle_epi32(y, 0xb1));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(y));
}

/// Eight values times `inverse` to the nearest integers, ties to even.
TROIKA_INLINE Y rounded(const float* values, F inverse) {
  return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(values), inverse));
}

/// 32 `Groups` values as 8 bits, 32 a register, and their scale.
template <int Groups>
struct Quantized {
  Y q[Groups];
  float d;

  TROIKA_INLINE explicit Quantized(const float* values) {
    const Y size_bits = _mm256_set1_epi32(0x7fffffff);
    Y bits = _mm256_setzero_si256();
    for (int i = 0; i < 32 * Groups; i += 8)
      bits = _mm256_max_epu32(bits, _mm256_and_si256(load(values + i), size_bits));
    const uint32_t amax_bits = largest(bits);
    const bool finite = amax_bits < kInfinityBits;
    if (!finite || amax_bits < kSmallestBits) {
      const uint32_t d_bits = finite ? 0 : 0x7fc00000;  // zero or a quiet NaN
      std::memcpy(&d, &d_bits, sizeof d);
      for (Y& group : q) group = _mm256_setzero_si256();
      return;
    }
    float amax;
    std::memcpy(&amax, &amax_bits, sizeof amax);
    d = amax / 127.0f;
    const F inverse = _mm256_set1_ps(127.0f / amax);
    // Packing works in halves of 128 bits: dwords come out as 0 2 4 6 | 1 3 5 7 of four columns.
    const Y order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (int i = 0; i < Groups; i++) {
      const float* x = values + 32 * i;
      const Y low = _mm256_packs_epi32(rounded(x, inverse), rounded(x + 8, inverse));
      const Y high = _mm256_packs_epi32(rounded(x + 16, inverse), rounded(x + 24, inverse));
      q[i] = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
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

/// Sums of positive and of negative bytes of 2 x 16.
TROIKA_INLINE void sums32(Y q, QuantSums* sums) {
  const Y zero = _mm256_setzero_si256();
  const Y positive = _mm256_sad_epu8(_mm256_max_epi8(q, zero), zero);
  const Y negative = _mm256_sad_epu8(_mm256_max_epi8(_mm256_sub_epi8(zero, q), zero), zero);
  alignas(32) int64_t up[4], down[4];
  store(up, positive);
  store(down, negative);
  for (int i = 0; i < 2; i++)
    sums[i] = {static_cast<int32_t>(up[2 * i] + up[2 * i + 1]),
               -static_cast<int32_t>(down[2 * i] + down[2 * i + 1])};
}

/// Quantises into a Super32 or Super16, whose q `Interleave` writes, 64 columns a time.
template <class Super, void (*Interleave)(const Y*, int8_t*)>
TROIKA_INLINE void quantize_super(const float* x, int64_t columns, std::byte* out, int64_t step) {
  float buffer[256];
  for (int64_t k = 0; k < columns; k += 256, out += step) {
    const Quantized<8> block(whole_block<256>(x + k, columns - k, buffer));
    auto& super = *reinterpret_cast<Super*>(out);
    QuantSums sums[16];
    for (int i = 0; i < 8; i++) sums32(block.q[i], sums + 2 * i);
    for (int p = 0; p < 4; p++) Interleave(block.q + 2 * p, super.q + 64 * p);
    super.d = block.d;
    set_sums(super, sums);
  }
}

/// Four columns of the first 32, four of the second, and so on.
TROIKA_INLINE void interleave_32(const Y* q, int8_t* out) {
  const Y low = _mm256_unpacklo_epi32(q[0], q[1]), high = _mm256_unpackhi_epi32(q[0], q[1]);
  store(out, _mm256_permute2x128_si256(low, high, 0x20));
  store(out + 32, _mm256_permute2x128_si256(low, high, 0x31));
}

/// Four columns of the first 16, four of the second, and so on.
TROIKA_INLINE void interleave_16(const Y* q, int8_t* out) {
  const Y order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  store(out, _mm256_permutevar8x32_epi32(q[0], order));
  store(out + 32, _mm256_permutevar8x32_epi32(q[1], order));
}

}  // namespace

void quantize_block_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  float buffer[32];
  for (int64_t k = 0; k < columns; k += 32, out += step) {
    const Quantized<1> block(whole_block<32>(x + k, columns - k, buffer));
    auto& target = *reinterpret_cast<Block32*>(out);
    store(target.q, block.q[0]);
    target.d = block.d;
    QuantSums sums[2];
    sums32(block.q[0], sums);
    set_sums(target, sums[0].positive + sums[0].negative + sums[1].positive + sums[1].negative);
  }
}

void quantize_super_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  quantize_super<Super32, interleave_32>(x, columns, out, step);
}

void quantize_super_16(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  quantize_super<Super16, interleave_16>(x, columns, out, step);
}

}  // namespace troika::cpu::avx2
