// What the kernels with SMMLA and USMMLA share. The instruction multiplies 2 rows with 2 tokens
// over 8 columns; its sums are [row][token]. Tokens go in pairs, an odd last one with itself. For
// files
// *_i8mm.cc; internal linkage.
#pragma once

#include "device/cpu/kernels/matmul_tile_neon.h"

namespace troika::cpu::neon {
namespace {

template <int T>
constexpr int kPairs = (T + 1) / 2;

/// The second token of pair p.
template <int T>
constexpr int odd_token(int p) {
  return 2 * p + 1 < T ? 2 * p + 1 : 2 * p;
}

TROIKA_INLINE void store(std::byte* p, B x) {
  vst1q_s8(reinterpret_cast<int8_t*>(p), x);
}

/// Fours of bytes of a and b in turn: a0 b0 a1 b1.
TROIKA_INLINE B zip_fours(B a, B b) {
  return vreinterpretq_s8_s32(vzip1q_s32(vreinterpretq_s32_s8(a), vreinterpretq_s32_s8(b)));
}
/// a2 b2 a3 b3.
TROIKA_INLINE B zip_high_fours(B a, B b) {
  return vreinterpretq_s8_s32(vzip2q_s32(vreinterpretq_s32_s8(a), vreinterpretq_s32_s8(b)));
}

/// a0 b0 a2 b2, then a1 b1 a3 b3.
TROIKA_INLINE void transpose_fours(B a, B b, B& even, B& odd) {
  const Z x = vreinterpretq_s32_s8(a), y = vreinterpretq_s32_s8(b);
  even = vreinterpretq_s8_s32(vtrn1q_s32(x, y));
  odd = vreinterpretq_s8_s32(vtrn2q_s32(x, y));
}

/// a0 a2 b0 b2, then a1 a3 b1 b3.
TROIKA_INLINE void part_fours(B a, B b, B& even, B& odd) {
  const Z x = vreinterpretq_s32_s8(a), y = vreinterpretq_s32_s8(b);
  even = vreinterpretq_s8_s32(vuzp1q_s32(x, y));
  odd = vreinterpretq_s8_s32(vuzp2q_s32(x, y));
}

/// The first eight bytes of both, then the last eight.
TROIKA_INLINE void pair_tokens(B a, B b, B& first, B& last) {
  const int64x2_t x = vreinterpretq_s64_s8(a), y = vreinterpretq_s64_s8(b);
  first = vreinterpretq_s8_s64(vzip1q_s64(x, y));
  last = vreinterpretq_s8_s64(vzip2q_s64(x, y));
}

/// Four rows of token t, from the sums of the first two and of the last two.
template <int T>
TROIKA_INLINE Z rows_of(int t, const Z (&first)[kPairs<T>], const Z (&last)[kPairs<T>]) {
  const int p = t / 2;
  return t % 2 == 0 ? vuzp1q_s32(first[p], last[p]) : vuzp2q_s32(first[p], last[p]);
}

}  // namespace
}  // namespace troika::cpu::neon
