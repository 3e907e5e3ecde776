// What the AVX-512 matmul kernels share: the loop over strips, leaves, blocks and tiles of tokens.
// For files *_avx512.cc only; everything here has internal linkage.
//
// A tile is 16 rows times at most 8 tokens: their accumulators, one set of weights and its masks
// fill the 32 registers. Within a block all tiles run before the next block, so that the packed
// block stays in L1; the first tile fetches weights kAhead bytes on into L2. At one token the
// hardware does that as well alone.
#pragma once

// GCC 12 takes the undefined pass-through operand inside its own intrinsics for a mistake of ours.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "device/cpu/kernels/matmul_avx512.h"
#include "device/cpu/kernels/matmul_layouts.h"

#define TROIKA_INLINE inline __attribute__((always_inline))
#define TROIKA_UNROLL _Pragma("GCC unroll 16")
#define TROIKA_KEEP_LOOP _Pragma("GCC unroll 1")

namespace troika::cpu::avx512 {
namespace {

using Z = __m512i;
using F = __m512;

// 9216 to 36864 bytes measured equal, half of it cost up to 25 % at 8 tokens.
constexpr int64_t kAhead = 9216;

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

/// Fetches `Bytes` bytes of weights into L2; nothing if p is null.
template <int Bytes>
TROIKA_INLINE void fetch_weights(const std::byte* p) {
  if (p == nullptr) return;
  TROIKA_UNROLL for (int i = 0; i < Bytes; i += 64) _mm_prefetch(p + i, _MM_HINT_T1);
}

/// Fetches `Bytes` bytes of activations into L1: those of the next tile follow this tile's.
template <int Bytes>
TROIKA_INLINE void fetch_inputs(const void* p) {
  const auto* bytes = static_cast<const std::byte*>(p);
  TROIKA_UNROLL for (int i = 0; i < Bytes; i += 64) _mm_prefetch(bytes + i, _MM_HINT_T0);
}

/// `blocks` blocks for T tokens: acc[16 t ..] += the products of token t.
template <class X>
struct Tile {
  const std::byte* head;
  const std::byte* block;
  const X* x;  // x[t + x_step * b] is token t of block b
  int64_t x_step;
  float* acc;
  const std::byte* fetch;  // weights wanted later, or null
  int blocks;
  __mmask16 keep;  // 0 at the start of a leaf: acc counts as zero
};

template <class X>
TROIKA_INLINE F load_acc(const Tile<X>& c, int t) {
  return _mm512_maskz_load_ps(c.keep, c.acc + 16 * t);
}

/// Calls Format::tile<tokens>.
template <class Format>
TROIKA_INLINE void run_tile(int64_t tokens, const Tile<typename Format::X>& c) {
  switch (tokens) {
    case 1:
      return Format::template tile<1>(c);
    case 2:
      return Format::template tile<2>(c);
    case 3:
      return Format::template tile<3>(c);
    case 4:
      return Format::template tile<4>(c);
    case 5:
      return Format::template tile<5>(c);
    case 6:
      return Format::template tile<6>(c);
    case 7:
      return Format::template tile<7>(c);
    default:
      return Format::template tile<8>(c);
  }
}

/// `count` leaves of one token, `step` floats apart: the tree of kernels/matmul.h.
template <int Count>
TROIKA_INLINE F tree_sum(const float* leaves, int64_t step) {
  if constexpr (Count == 1) {
    return _mm512_load_ps(leaves);
  } else {
    constexpr int kLeft = (Count + 1) / 2;
    return _mm512_add_ps(tree_sum<kLeft>(leaves, step),
                         tree_sum<Count - kLeft>(leaves + kLeft * step, step));
  }
}

template <int Count>
void store_sums(const MatmulArgs& args, int64_t strip, int64_t leaf_step) {
  const int64_t first = strip * kStripRows;
  const int64_t rows = args.rows - first;
  const auto mask = static_cast<__mmask16>(rows >= kStripRows ? 0xffff : (1 << rows) - 1);
  for (int64_t t = 0; t < args.tokens; t++)
    _mm512_mask_storeu_ps(args.y + t * args.y_stride + first, mask,
                          tree_sum<Count>(args.scratch + t * kStripRows, leaf_step));
}

TROIKA_INLINE void finish_strip(const MatmulArgs& args, int64_t strip, int64_t leaf_step) {
  switch (args.leaves) {
    case 1:
      return store_sums<1>(args, strip, leaf_step);
    case 2:
      return store_sums<2>(args, strip, leaf_step);
    case 3:
      return store_sums<3>(args, strip, leaf_step);
    case 4:
      return store_sums<4>(args, strip, leaf_step);
    case 5:
      return store_sums<5>(args, strip, leaf_step);
    case 6:
      return store_sums<6>(args, strip, leaf_step);
    case 7:
      return store_sums<7>(args, strip, leaf_step);
    default:
      return store_sums<8>(args, strip, leaf_step);
  }
}

/// Adds the products of one strip to its leaves. Format::kStep blocks at most go into one tile.
template <class Format>
TROIKA_INLINE void run_strip(const MatmulArgs& args, int64_t strip, int64_t leaf_step) {
  using L = typename Format::L;
  const std::byte* head = args.strips + strip * args.strip_bytes;
  const std::byte* block = head + args.head_bytes;
  const std::byte* const end = head + args.strip_bytes;
  const auto* x = reinterpret_cast<const typename Format::X*>(args.x);
  const int64_t tiles = (args.tokens + kTileTokens - 1) / kTileTokens;
  int64_t leaf = -1;
  for (int64_t i = 0; i < args.run_count; i++) {
    const BlockRun& run = args.runs[i];
    for (int64_t b = 0; b < run.blocks; b += Format::kStep) {
      const int64_t left = run.blocks - b;
      const int blocks = static_cast<int>(left < Format::kStep ? left : Format::kStep);
      const __mmask16 keep = run.leaf == leaf ? 0xffff : 0;
      leaf = run.leaf;
      // Past the end of a strip lies the head of the next, which was fetched a strip ago.
      const std::byte* ahead =
          block + kAhead < end ? block + kAhead : block + kAhead + args.head_bytes;
      if (L::head > 0 && args.tokens > 1) _mm_prefetch(head + args.strip_bytes, _MM_HINT_T1);
      for (int64_t tile = 0; tile < tiles; tile++) {
        // Equal tiles: 9 tokens are 4 + 5, not 8 + 1.
        const int64_t begin = args.tokens * tile / tiles, stop = args.tokens * (tile + 1) / tiles;
        run_tile<Format>(stop - begin,
                         {head, block, x + (run.x_block + b) * args.tokens + begin, args.tokens,
                          args.scratch + leaf * leaf_step + begin * kStripRows,
                          tile == 0 && args.tokens > 1 ? ahead : nullptr, blocks, keep});
      }
      head += blocks * L::head;
      block += blocks * L::bytes;
    }
  }
}

template <class Format>
TROIKA_INLINE void multiply(const MatmulArgs& args) {
  const int64_t leaf_step = (args.tokens + 1) * kStripRows;
  for (int64_t strip = args.strip_begin; strip < args.strip_end; strip++) {
    run_strip<Format>(args, strip, leaf_step);
    finish_strip(args, strip, leaf_step);
  }
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
