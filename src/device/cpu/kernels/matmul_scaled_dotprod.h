// y = W x for weights with signed scales of 16 columns (q6_k, q3_k), 1 to 4 tokens a tile. Lanes
// are 2 output rows times two sub-blocks, twice (a, b); layouts: kernels/matmul_layouts.h. Sums
// begin at minus the weights' offset times the sum of q, so the offset costs nothing; scales
// multiply sums of 32 bits, so there is no wide path. For files *_dotprod.cc and *_i8mm.cc.
//   acc = fma(d * float(sum of scale * S), dx, acc)
#pragma once

#include "device/cpu/kernels/matmul_paired_dotprod.h"

namespace troika::cpu::neon {
namespace {

struct I6Paired {
  using L = I6ScaledLayout;
  static constexpr int kStartShift = 0;

  /// The weights of columns 32 p + 4 I .. of both sub-blocks.
  template <int I>
  TROIKA_INLINE static void line(const std::byte* rows, int p, B& a, B& b) {
    const std::byte* lines = rows + 384 * p + 192 * (I / 2);
    const U mask = vdupq_n_u8(63);
    if constexpr (I % 2 == 0) {
      a = as_signed(vandq_u8(load(lines), mask));
      b = as_signed(vandq_u8(load(lines + 64), mask));
    } else {
      const U z0 = load(lines), z1 = load(lines + 64), z2 = load(lines + 128);
      a = as_signed(vandq_u8(z2, mask));
      U top = vshrq_n_u8(z2, 6);
      top = vsliq_n_u8(vshrq_n_u8(z1, 6), top, 2);
      b = as_signed(vsliq_n_u8(vshrq_n_u8(z0, 6), top, 2));
    }
  }

  /// The scales of the block in 16 bits.
  TROIKA_INLINE static void unpack_scales(const std::byte* block, int16_t* out) {
    TROIKA_UNROLL for (int i = 0; i < 256; i += 8) vst1q_s16(out + i, widen(block + L::scales + i));
  }
};

struct I3Paired {
  using L = I3ScaledLayout;
  static constexpr int kStartShift = 3;  // -4 sum q, from -32 sum q

  /// Bits 2 I and 2 I + 1 of each byte.
  template <int I>
  TROIKA_INLINE static U low_two(U line) {
    if constexpr (I > 0) line = vshrq_n_u8(line, 2 * I);
    return vandq_u8(line, vdupq_n_u8(3));
  }

  template <int I>
  TROIKA_INLINE static void line(const std::byte* rows, int p, B& a, B& b) {
    const U top = load(rows + L::third + 64 * p);
    a = as_signed(vorrq_u8(low_two<I>(load(rows + 128 * p)), move_bit<I, 2>(top)));
    b = as_signed(vorrq_u8(low_two<I>(load(rows + 128 * p + 64)), move_bit<I + 4, 2>(top)));
  }

  TROIKA_INLINE static void unpack_scales(const std::byte* block, int16_t* out) {
    alignas(16) std::byte v[256];
    unpack_six_bits<32>(block + L::scales, v);
    TROIKA_UNROLL for (int i = 0; i < 256; i += 8) vst1q_s16(out + i, widen(v + i));
  }
};

/// The starts of pair p of a token: sub-blocks take turns.
TROIKA_INLINE Z start_of(const Super16& x, int p) {
  return vreinterpretq_s32_s64(vld1q_dup_s64(reinterpret_cast<const int64_t*>(x.start_32 + 2 * p)));
}

template <class Weights>
struct Scaled {
  using L = typename Weights::L;
  using X = Super16;
  static constexpr int kStep = 1;
  static constexpr int kTileTokens = kTokens;

  template <int T>
  static void tile(const Tile<X>& c) {
    constexpr int R = kRegisters<T>;
    int16_t scales[256];
    Weights::unpack_scales(c.block, scales);
    TROIKA_KEEP_LOOP for (int first = 0; first < 4; first += R) {
      PairedSums<R, T> total = {};
      TROIKA_KEEP_LOOP for (int p = 0; p < 8; p++) {
        fetch_part<L, T, 32 / R>(c, first / R * 8 + p);
        PairedSums<R, T> sum;
        TROIKA_UNROLL for (int t = 0; t < T; t++)
            sum.start(t, vshlq_s32(start_of(c.x[t], p), vdupq_n_s32(-Weights::kStartShift)));
        add_lines<Weights, 4>(c.block + 16 * first, p, c.x, 32 * p, sum);
        total.add(sum, scales + 32 * p + 8 * first);
      }
      TROIKA_UNROLL for (int r = 0; r < R; r++) {
        const F d = load_half(c.head + 8 * (first + r));
        TROIKA_UNROLL for (int t = 0; t < T; t++) add_scaled(c, t, first + r, d, total.rows(r, t));
      }
    }
  }
};

}  // namespace
}  // namespace troika::cpu::neon
