// y = W x for weights with 6-bit scales and minima of 32 columns (q4_k, q5_k), 1 to 4 tokens a
// tile. Lanes are 2 output rows times two sub-blocks, twice (a, b); layouts:
// kernels/matmul_layouts.h. Scales multiply sums of 32 bits, so there is no wide path. For files
// *_dotprod.cc and *_i8mm.cc.
//   acc = fma(fma(d, float(sum of scale * S), -(dmin * float(sum of minimum * sum q))), dx, acc)
#pragma once

#include "device/cpu/kernels/matmul_paired_dotprod.h"

namespace troika::cpu::neon {
namespace {

struct U4Paired {
  using L = U4AffineLayout;

  /// The weights of line 8 p + I of the rows whose bytes `rows` begins with.
  template <int I>
  TROIKA_INLINE static void line(const std::byte* rows, int p, B& a, B& b) {
    const U line = load(rows + 512 * p + 64 * I);
    a = as_signed(vandq_u8(line, vdupq_n_u8(15)));
    b = as_signed(vshrq_n_u8(line, 4));
  }
};

struct U5Paired {
  using L = U5AffineLayout;

  template <int I>
  TROIKA_INLINE static void line(const std::byte* rows, int p, B& a, B& b) {
    U4Paired::line<I>(rows, p, a, b);
    const std::byte* lines = rows + L::fifth + 128 * p;
    a = vorrq_s8(a, as_signed(move_bit<I, 4>(load(lines))));
    b = vorrq_s8(b, as_signed(move_bit<I, 4>(load(lines + 64))));
  }
};

template <class Weights>
struct Affine {
  using L = typename Weights::L;
  using X = Super32;
  static constexpr int kStep = 1;
  static constexpr int kTileTokens = kTokens;

  /// d * scaled - dmin * minima, times dx, into rows 4 r .. of token t; `mins` are those of the
  /// block in 16 bits.
  TROIKA_INLINE static void finish(const Tile<X>& c, int t, int r, const int16_t* mins, Z scaled) {
    const F d = load_half(c.block + L::d + 8 * r), dmin = load_half(c.block + L::dmin + 8 * r);
    Z a = vdupq_n_s32(0), b = vdupq_n_s32(0);
    TROIKA_UNROLL for (int p = 0; p < 4; p++) {
      const int16x8_t m = vld1q_s16(mins + 32 * p + 8 * r);
      const int16x8_t sums = vreinterpretq_s16_s32(
          vld1q_dup_s32(reinterpret_cast<const int32_t*>(c.x[t].sum + 2 * p)));
      a = vmlal_s16(a, vget_low_s16(m), vget_low_s16(sums));
      b = vmlal_high_s16(b, m, sums);
    }
    const F minima = vmulq_f32(dmin, vcvtq_f32_s32(vpaddq_s32(a, b)));
    const F y = vfmaq_f32(vnegq_f32(minima), d, vcvtq_f32_s32(scaled));
    store_acc(c, t, r, vfmaq_n_f32(load_acc(c, t, r), y, c.x[t].d));
  }

  /// The scales of the block in 16 bits, and its minima behind them.
  TROIKA_INLINE static void unpack_scales(const std::byte* block, int16_t* out) {
    alignas(16) std::byte v[256];
    unpack_six_bits<0>(block + L::scales, v);
    TROIKA_UNROLL for (int i = 0; i < 256; i += 8) vst1q_s16(out + i, widen(v + i));
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    constexpr int R = kRegisters<T>;
    int16_t scales[256];
    unpack_scales(c.block, scales);
    TROIKA_KEEP_LOOP for (int first = 0; first < 4; first += R) {
      PairedSums<R, T> total = {};
      TROIKA_KEEP_LOOP for (int p = 0; p < 4; p++) {
        fetch_part<L, T, 16 / R>(c, first / R * 4 + p);
        PairedSums<R, T> sum = {};
        add_lines<Weights, 8>(c.block + 16 * first, p, c.x, 64 * p, sum);
        total.add(sum, scales + 32 * p + 8 * first);
      }
      TROIKA_UNROLL for (int r = 0; r < R; r++) {
        TROIKA_UNROLL for (int t = 0; t < T; t++)
            finish(c, t, first + r, scales + 128, total.rows(r, t));
      }
    }
  }
};

}  // namespace
}  // namespace troika::cpu::neon
