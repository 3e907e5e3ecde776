// What the AVX2 matmul kernels share beside the loop of kernels/matmul_loop.h. For files *_avx2.cc
// only; everything here has internal linkage.
//
// A tile is 16 rows times at most 4 tokens, taken as two halves of 8 rows: half h is bytes 32 h ..
// 32 h + 31 of each line of 64. VPMADDUBSW multiplies unsigned weights with signed activations and
// adds two neighbours to 16 bits, where several lines add before VPMADDWD, whose other operand is
// the scale in both words, makes 32 bits of them: no sum ever leaves its width, and the integers
// are those of every other instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "device/cpu/kernels/lanes_avx2.h"
#include "device/cpu/kernels/matmul_avx2.h"
#include "device/cpu/kernels/matmul_layouts.h"
#include "device/cpu/kernels/matmul_loop.h"

namespace troika::cpu::avx2 {
namespace {

using Y = __m256i;
using F = __m256;

TROIKA_INLINE Y load(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

TROIKA_INLINE void store(void* p, Y x) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), x);
}

/// Four bytes in every lane.
TROIKA_INLINE Y broadcast4(const void* p) {
  int32_t value;
  std::memcpy(&value, p, sizeof value);
  return _mm256_set1_epi32(value);
}

/// Eight bytes in every pair of lanes.
TROIKA_INLINE Y broadcast8(const void* p) {
  int64_t value;
  std::memcpy(&value, p, sizeof value);
  return _mm256_set1_epi64x(value);
}

/// 16 bytes in both halves.
TROIKA_INLINE Y broadcast16(const void* p) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}

/// 8 halves.
TROIKA_INLINE F load_half(const std::byte* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

/// 16 signed bytes to 16 bits.
TROIKA_INLINE Y widen(const std::byte* p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

/// Keeps sums as they are written: GCC would make trees of them, whose leaves do not fit the
/// registers (at 4 tokens every second product was stored and loaded again).
TROIKA_INLINE Y in_order(Y sum) {
  asm("" : "+x"(sum));
  return sum;
}

/// sum + a b in 16 bits: unsigned bytes times signed bytes, neighbours added.
TROIKA_INLINE Y add_bytes(Y sum, Y a, Y b) {
  return in_order(_mm256_add_epi16(sum, _mm256_maddubs_epi16(a, b)));
}

/// sum + a b in 32 bits: signed words, neighbours added.
TROIKA_INLINE Y add_pairs(Y sum, Y a, Y b) {
  return in_order(_mm256_add_epi32(sum, _mm256_madd_epi16(a, b)));
}

/// The sums of token t, half h.
template <class X>
TROIKA_INLINE F load_acc(const Tile<X>& c, int t, int h) {
  const F keep = _mm256_castsi256_ps(_mm256_set1_epi32(c.keep));
  return _mm256_and_ps(_mm256_load_ps(c.acc + 16 * t + 8 * h), keep);
}
template <class X>
TROIKA_INLINE void store_acc(const Tile<X>& c, int t, int h, F acc) {
  _mm256_store_ps(c.acc + 16 * t + 8 * h, acc);
}

template <class Format>
TROIKA_INLINE void multiply(const MatmulArgs& args) {
  cpu::multiply<Lanes, Format>(args);
}

/// 192 bytes of six-bit lines to 256 values, each minus `Offset`.
template <int Offset>
TROIKA_INLINE void unpack_six_bits(const std::byte* lines, std::byte* v) {
  const Y low = _mm256_set1_epi8(63), offset = _mm256_set1_epi8(Offset);
  TROIKA_UNROLL for (int at = 0; at < 64; at += 32) {
    const Y a = load(lines + at), b = load(lines + 64 + at), c = load(lines + 128 + at);
    // The top bits, moved down: (a >> 6) & 3 | (b >> 4) & 12 | (c >> 2) & 48.
    const Y top_a = _mm256_and_si256(_mm256_srli_epi16(a, 6), _mm256_set1_epi8(3));
    const Y top_b = _mm256_and_si256(_mm256_srli_epi16(b, 4), _mm256_set1_epi8(12));
    const Y top_c = _mm256_and_si256(_mm256_srli_epi16(c, 2), _mm256_set1_epi8(48));
    const Y top = _mm256_or_si256(_mm256_or_si256(top_a, top_b), top_c);
    store(v + at, _mm256_sub_epi8(_mm256_and_si256(a, low), offset));
    store(v + 64 + at, _mm256_sub_epi8(_mm256_and_si256(b, low), offset));
    store(v + 128 + at, _mm256_sub_epi8(_mm256_and_si256(c, low), offset));
    store(v + 192 + at, _mm256_sub_epi8(top, offset));
  }
}

/// Signed bytes to 16 bits, each twice: dword i of the low half is byte First + Step * i of the 16
/// at p, of the high half byte First + 8 + Step * i.
template <int First, int Step>
TROIKA_INLINE Y widen_twice(const std::byte* p) {
  constexpr char a = First, b = First + Step, c = First + 2 * Step, d = First + 3 * Step;
  constexpr char z = -1;
  const __m128i low = _mm_setr_epi8(z, a, z, a, z, b, z, b, z, c, z, c, z, d, z, d);
  const __m128i high =
      _mm_setr_epi8(z, a + 8, z, a + 8, z, b + 8, z, b + 8, z, c + 8, z, c + 8, z, d + 8, z, d + 8);
  return _mm256_srai_epi16(_mm256_shuffle_epi8(broadcast16(p), _mm256_set_m128i(high, low)), 8);
}

/// Scales of the paired lanes of 8 rows, from 16 bytes [row][sub-block].
struct PairedScales {
  Y a, b;
  TROIKA_INLINE explicit PairedScales(const std::byte* p)
      : a(widen_twice<0, 1>(p)), b(widen_twice<4, 1>(p)) {}
};

/// Paired lanes: the sums of 8 rows over both sub-blocks, rows in order.
TROIKA_INLINE Y add_sub_blocks(Y a, Y b) {
  return _mm256_hadd_epi32(a, b);
}

}  // namespace
}  // namespace troika::cpu::avx2
