// y = W x for 4-bit indices into a table with signed scales of 32 columns (iq4_xs), 1 to 4 tokens a
// tile. Lanes are 4 output rows; layout: kernels/matmul_layouts.h. TBL looks up the table itself,
// signed, so there is no offset. For files *_dotprod.cc and *_i8mm.cc.
//   acc = fma(d * float(sum of scale * S), dx, acc)
#pragma once

#include "device/cpu/kernels/matmul_tile_neon.h"

namespace troika::cpu::neon {
namespace {

struct I4Table {
  using L = I4TableLayout;
  using X = Super32;
  static constexpr int kStep = 1;
  static constexpr int kTileTokens = kTokens;

  TROIKA_INLINE static B table() {
    return as_signed(veorq_u8(vld1q_u8(kTable), vdupq_n_u8(kTableOffset)));
  }

  /// sum[r][t] += the products of sub-block S of a pair: `lines` are its four, with columns 4 I ..
  /// and 4 (I + 4) .. in their nibbles, `x` the pair's activations, two sub-blocks taking turns.
  template <int S, int T, int R, int I = 0>
  TROIKA_INLINE static void products(const std::byte* lines, int at, const X* x, Z (&sum)[R][T]) {
    if constexpr (I < 4) {
      constexpr int kLane = 2 * (I % 2) + S;
      B first[R], second[R];
      TROIKA_UNROLL for (int r = 0; r < R; r++) {
        const U line = load(lines + 64 * I + 16 * r);
        first[r] = vqtbl1q_s8(table(), vandq_u8(line, vdupq_n_u8(15)));
        second[r] = vqtbl1q_s8(table(), vshrq_n_u8(line, 4));
      }
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        const B low = vld1q_s8(x[t].q + at + 16 * (I / 2));
        const B high = vld1q_s8(x[t].q + at + 32 + 16 * (I / 2));
        TROIKA_UNROLL for (int r = 0; r < R; r++) {
          sum[r][t] = vdotq_laneq_s32(sum[r][t], first[r], low, kLane);
          sum[r][t] = vdotq_laneq_s32(sum[r][t], second[r], high, kLane);
        }
      }
      products<S, T, R, I + 1>(lines, at, x, sum);
    }
  }

  /// total += scale * sum, of sub-block S of pair p.
  template <int S, int T, int R>
  TROIKA_INLINE static void add(const Tile<X>& c, int p, int first, Z (&total)[R][T]) {
    Z sum[R][T] = {};
    products<S>(c.block + 512 * p + 256 * S + 16 * first, 64 * p, c.x, sum);
    TROIKA_UNROLL for (int r = 0; r < R; r++) {
      const Z pair = vreinterpretq_s32_s16(widen(c.block + L::scales + 32 * p + 8 * (first + r)));
      const Z scale = vshrq_n_s32(S == 0 ? vshlq_n_s32(pair, 16) : pair, 16);
      TROIKA_UNROLL for (int t = 0; t < T; t++) total[r][t] =
          vmlaq_s32(total[r][t], sum[r][t], scale);
    }
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    constexpr int R = kRegisters<T>;
    TROIKA_KEEP_LOOP for (int first = 0; first < 4; first += R) {
      Z total[R][T] = {};
      TROIKA_KEEP_LOOP for (int p = 0; p < 4; p++) {
        fetch_part<L, T, 16 / R>(c, first / R * 4 + p);
        add<0>(c, p, first, total);
        add<1>(c, p, first, total);
      }
      TROIKA_UNROLL for (int r = 0; r < R; r++) {
        const F d = load_half(c.head + 8 * (first + r));
        TROIKA_UNROLL for (int t = 0; t < T; t++) add_scaled(c, t, first + r, d, total[r][t]);
      }
    }
  }
};

}  // namespace
}  // namespace troika::cpu::neon
