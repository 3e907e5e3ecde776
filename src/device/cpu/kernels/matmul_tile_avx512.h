// What the AVX-512 matmul kernels share beside the loop of kernels/matmul_loop.h. For files
// *_avx512.cc only; everything here has internal linkage.
//
// A tile is 16 rows times at most 8 tokens: their accumulators, one set of weights and its masks
// fill the 32 registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "device/cpu/kernels/lanes_avx512.h"
#include "device/cpu/kernels/matmul_avx512.h"
#include "device/cpu/kernels/matmul_layouts.h"
#include "device/cpu/kernels/matmul_loop.h"

namespace troika::cpu::avx512 {
namespace {

using Z = __m512i;
using F = __m512;

TROIKA_INLINE Z load(const std::byte* p) {
  return _mm512_loadu_si512(p);
}

/// Four bytes in every lane.
TROIKA_INLINE Z broadcast4(const void* p) {
  int32_t value;
  std::memcpy(&value, p, sizeof value);
  return _mm512_set1_epi32(value);
}

/// Eight bytes in every pair of lanes.
TROIKA_INLINE Z broadcast8(const void* p) {
  int64_t value;
  std::memcpy(&value, p, sizeof value);
  return _mm512_set1_epi64(value);
}

/// 16 halves.
TROIKA_INLINE F load_half(const std::byte* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

/// 32 signed or unsigned bytes to 16 bits.
TROIKA_INLINE Z widen_i8(const std::byte* p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
TROIKA_INLINE Z widen_u8(const std::byte* p) {
  return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

template <class X>
TROIKA_INLINE F load_acc(const Tile<X>& c, int t) {
  return _mm512_maskz_load_ps(static_cast<__mmask16>(c.keep), c.acc + 16 * t);
}

template <class Format>
TROIKA_INLINE void multiply(const MatmulArgs& args) {
  cpu::multiply<Lanes, Format>(args);
}

/// 192 bytes of six-bit lines to 256 values.
TROIKA_INLINE void unpack_six_bits(const std::byte* lines, std::byte* v) {
  const Z a = load(lines), b = load(lines + 64), c = load(lines + 128);
  const Z low = _mm512_set1_epi8(63);
  // The top bits, moved down: (a >> 6) & 3 | (b >> 4) & 12 | (c >> 2) & 48.
  Z top = _mm512_and_si512(_mm512_srli_epi16(a, 6), _mm512_set1_epi8(3));
  top = _mm512_ternarylogic_epi32(top, _mm512_srli_epi16(b, 4), _mm512_set1_epi8(12), 0xF8);
  top = _mm512_ternarylogic_epi32(top, _mm512_srli_epi16(c, 2), _mm512_set1_epi8(48), 0xF8);
  _mm512_store_si512(v, _mm512_and_si512(a, low));
  _mm512_store_si512(v + 64, _mm512_and_si512(b, low));
  _mm512_store_si512(v + 128, _mm512_and_si512(c, low));
  _mm512_store_si512(v + 192, top);
}

/// Paired lanes: adds to sum[r] the sums of a and b, each times its 16-bit scale. Sums that may
/// leave 16 bits go as high and low bytes apart: the same integers.
template <bool Wide>
TROIKA_INLINE Z add_scaled(Z sum, Z a, Z b, Z scales) {
  if constexpr (!Wide) return _mm512_dpwssd_epi32(sum, _mm512_packs_epi32(a, b), scales);
  const Z low = _mm512_set1_epi32(255);
  const Z high_sum = _mm512_dpwssd_epi32(
      _mm512_setzero_si512(), _mm512_packs_epi32(_mm512_srai_epi32(a, 8), _mm512_srai_epi32(b, 8)),
      scales);
  sum = _mm512_dpwssd_epi32(
      sum, _mm512_packs_epi32(_mm512_and_si512(a, low), _mm512_and_si512(b, low)), scales);
  return _mm512_add_epi32(sum, _mm512_slli_epi32(high_sum, 8));
}

}  // namespace
}  // namespace troika::cpu::avx512
