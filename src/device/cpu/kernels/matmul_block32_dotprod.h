// y = W x for weights in blocks of 32 with one scale (q4_0, q8_0), 1 to 4 tokens a tile. Lanes are
// 4 output rows; layouts: kernels/matmul_layouts.h. A dot product takes its four activations from a
// lane of a register that holds sixteen. For files *_dotprod.cc and *_i8mm.cc.
//   acc = fma(float(sum) * dx, d, acc), block after block.
#pragma once

#include "device/cpu/kernels/matmul_tile_neon.h"

namespace troika::cpu::neon {
namespace {

/// Four bits, unsigned; the offset of 8 comes off by the start of the sum.
struct U4 {
  using L = U4Layout;
  static int32_t start(const Block32& x) { return x.start_8; }

  /// Columns 4 i .. and 4 (i + 4) .. of the rows whose bytes `rows` begins with.
  TROIKA_INLINE static void lines(const std::byte* rows, int i, B& first, B& second) {
    const U line = load(rows + 64 * i);
    first = as_signed(vandq_u8(line, vdupq_n_u8(15)));
    second = as_signed(vshrq_n_u8(line, 4));
  }
  template <int Lane>
  TROIKA_INLINE static Z add(Z sum, B weights, B q) {
    return vdotq_laneq_s32(sum, weights, q, Lane);
  }
};

/// Eight bits, stored plus 128; here signed again.
struct I8 {
  using L = I8Layout;
  static int32_t start(const Block32&) { return 0; }

  TROIKA_INLINE static void lines(const std::byte* rows, int i, B& first, B& second) {
    const U offset = vdupq_n_u8(128);
    first = as_signed(veorq_u8(load(rows + 64 * i), offset));
    second = as_signed(veorq_u8(load(rows + 64 * i + 256), offset));
  }
  template <int Lane>
  TROIKA_INLINE static Z add(Z sum, B weights, B q) {
    return vdotq_laneq_s32(sum, weights, q, Lane);
  }
};

/// sum[r][t] += the products of a block, lines I and I + 4 up to 3 and 7.
template <class Weights, int T, int R, int I = 0>
TROIKA_INLINE void add_lines(const std::byte* rows, const B (&q)[2][T], Z (&sum)[R][T]) {
  if constexpr (I < 4) {
    TROIKA_UNROLL for (int r = 0; r < R; r++) {
      B first, second;
      Weights::lines(rows + 16 * r, I, first, second);
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        sum[r][t] = Weights::template add<I>(sum[r][t], first, q[0][t]);
        sum[r][t] = Weights::template add<I>(sum[r][t], second, q[1][t]);
      }
    }
    add_lines<Weights, T, R, I + 1>(rows, q, sum);
  }
}

template <class Weights>
struct Blocks32 {
  using L = typename Weights::L;
  using X = Block32;
  static constexpr int kStep = 8;
  static constexpr int kTileTokens = kTokens;

  /// Adds block b to acc, registers `first` .. first + R - 1 of each line.
  template <int T, int R>
  TROIKA_INLINE static void add(const Tile<X>& c, int b, int first, F (&acc)[R][T]) {
    const X* x = c.x + b * c.x_step;
    B q[2][T];
    Z sum[R][T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      q[0][t] = vld1q_s8(x[t].q);
      q[1][t] = vld1q_s8(x[t].q + 16);
      TROIKA_UNROLL for (int r = 0; r < R; r++) sum[r][t] = vdupq_n_s32(Weights::start(x[t]));
    }
    add_lines<Weights, T, R>(c.block + b * L::bytes + 16 * first, q, sum);
    TROIKA_UNROLL for (int r = 0; r < R; r++) {
      const F d = load_half(c.head + b * L::head + 8 * (first + r));
      TROIKA_UNROLL for (int t = 0; t < T; t++) acc[r][t] =
          vfmaq_f32(acc[r][t], vmulq_n_f32(vcvtq_f32_s32(sum[r][t]), x[t].d), d);
    }
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    constexpr int R = kRegisters<T>;
    TROIKA_KEEP_LOOP for (int first = 0; first < 4; first += R) {
      F acc[R][T];
      TROIKA_UNROLL for (int r = 0; r < R; r++) {
        TROIKA_UNROLL for (int t = 0; t < T; t++) acc[r][t] = load_acc(c, t, first + r);
      }
      TROIKA_KEEP_LOOP for (int b = 0; b < c.blocks; b++) {
        if (first == 0) {
          if (c.fetches(b)) fetch_weights<kFetched<L>>(c.fetch + b * kFetched<L>);
          fetch_inputs<T * sizeof(X)>(c.x + b * c.x_step + T);
        }
        add<T, R>(c, b, first, acc);
      }
      TROIKA_UNROLL for (int r = 0; r < R; r++) {
        TROIKA_UNROLL for (int t = 0; t < T; t++) store_acc(c, t, first + r, acc[r][t]);
      }
    }
  }
};

}  // namespace
}  // namespace troika::cpu::neon
