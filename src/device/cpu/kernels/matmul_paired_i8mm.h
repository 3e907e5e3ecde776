// Paired lanes (kernels/matmul_layouts.h) where several tiles of tokens share a block: it is
// unpacked once to registers of 2 rows times 8 columns of a sub-block, for SMMLA. For files
// *_i8mm.cc; internal linkage.
#pragma once

#include "device/cpu/kernels/matmul_affine_dotprod.h"
#include "device/cpu/kernels/matmul_scaled_dotprod.h"
#include "device/cpu/kernels/matmul_tile_i8mm.h"

namespace troika::cpu::neon {
namespace {

/// Behind the weights, the scales of the block in 16 bits.
constexpr int kUnpackedScales = 4096;

/// Sums of two registers of a line and P pairs of tokens, by half (a, b) and sub-block.
template <int P>
struct MatrixSums {
  Z sum[2][2][2][P];  // [register][half][sub-block]

  /// Adds 8 columns of both sub-blocks: `weights` of the first register on, q at `at` of T tokens.
  template <int T, class X>
  TROIKA_INLINE void add(const std::byte* weights, const X* x, int at) {
    B q[2][P];
    TROIKA_UNROLL for (int p = 0; p < P; p++) part_fours(
        vld1q_s8(x[2 * p].q + at), vld1q_s8(x[odd_token<T>(p)].q + at), q[0][p], q[1][p]);
    TROIKA_UNROLL for (int i = 0; i < 8; i++) {
      const B w = as_signed(load(weights + 16 * i));
      Z(&to)[P] = sum[i / 4][i / 2 % 2][i % 2];
      TROIKA_UNROLL for (int p = 0; p < P; p++) to[p] = vmmlaq_s32(to[p], w, q[i % 2][p]);
    }
  }
};

/// The same times their scales, both sub-blocks added.
template <int P>
struct MatrixTotals {
  Z total[2][2][P];  // [register][half]

  TROIKA_INLINE void add(const MatrixSums<P>& sums, const int16_t* scales) {
    TROIKA_UNROLL for (int r = 0; r < 2; r++) {
      const PairedScales pair(vld1q_s16(scales + 8 * r));
      TROIKA_UNROLL for (int half = 0; half < 2; half++) {
        const Z scale = half == 0 ? pair.a : pair.b;
        const Z even = vtrn1q_s32(scale, scale), odd = vtrn2q_s32(scale, scale);
        TROIKA_UNROLL for (int p = 0; p < P; p++) {
          Z& to = total[r][half][p];
          to = vmlaq_s32(to, sums.sum[r][half][0][p], even);
          to = vmlaq_s32(to, sums.sum[r][half][1][p], odd);
        }
      }
    }
  }
};

/// Writes `Lines` lines of each of `Pairs` pairs as [pair][two lines][register][half][sub-block].
template <class Weights, int Pairs, int Lines, int I = 0>
TROIKA_INLINE void unpack_lines(const std::byte* block, std::byte* out) {
  if constexpr (I < Lines) {
    TROIKA_KEEP_LOOP for (int i = 0; i < 4 * Pairs; i++) {
      const int p = i / 4, r = i % 4;
      B a[2], b[2];
      Weights::template line<I>(block + 16 * r, p, a[0], b[0]);
      Weights::template line<I + 1>(block + 16 * r, p, a[1], b[1]);
      std::byte* const to = out + 128 * Lines * p + 128 * I + 64 * r;
      B even, odd;
      transpose_fours(a[0], a[1], even, odd);
      store(to, even);
      store(to + 16, odd);
      transpose_fours(b[0], b[1], even, odd);
      store(to + 32, even);
      store(to + 48, odd);
    }
    unpack_lines<Weights, Pairs, Lines, I + 2>(block, out);
  }
}

TROIKA_INLINE int16_t* unpacked_scales(std::byte* out) {
  return reinterpret_cast<int16_t*>(out + kUnpackedScales);
}
TROIKA_INLINE const int16_t* unpacked_scales(const std::byte* unpacked) {
  return reinterpret_cast<const int16_t*>(unpacked + kUnpackedScales);
}

template <class Weights>
struct MatrixAffine : Affine<Weights> {
  using L = typename Weights::L;
  using X = Super32;
  static constexpr bool kUnpacks = true;

  static void unpack(const Tile<X>& c, std::byte* out) {
    unpack_lines<Weights, 4, 8>(c.block, out);
    Dot::unpack_scales(c.block, unpacked_scales(out));
  }

  template <int T>
  TROIKA_INLINE static void run(const Tile<X>& c) {
    const int16_t* const scales = unpacked_scales(c.unpacked);
    TROIKA_KEEP_LOOP for (int first = 0; first < 4; first += 2) {
      MatrixTotals<kPairs<T>> total = {};
      TROIKA_KEEP_LOOP for (int p = 0; p < 4; p++) {
        fetch_part<L, T, 8>(c, 2 * first + p);
        MatrixSums<kPairs<T>> sums = {};
        TROIKA_UNROLL for (int i = 0; i < 4; i++) sums.template add<T>(
            c.unpacked + 1024 * p + 256 * i + 64 * first, c.x, 64 * p + 16 * i);
        total.add(sums, scales + 32 * p + 8 * first);
      }
      TROIKA_UNROLL for (int i = 0; i < 2 * T; i++) {
        const int r = i / T, t = i % T;
        Dot::finish(c, t, first + r, scales + 128,
                    rows_of<T>(t, total.total[r][0], total.total[r][1]));
      }
    }
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    if constexpr (T > 1) {
      if (c.unpacked != nullptr) return run<T>(c);
    }
    Dot::template tile<T>(c);
  }

 private:
  using Dot = Affine<Weights>;
};

struct MatrixI6 : Scaled<I6Paired> {
  static constexpr bool kUnpacks = true;

  static void unpack(const Tile<X>& c, std::byte* out) {
    unpack_lines<I6Paired, 8, 4>(c.block, out);
    I6Paired::unpack_scales(c.block, unpacked_scales(out));
  }

  /// The sums of a pair begin at minus the offset times the sums of q.
  template <int T>
  TROIKA_INLINE static void start(const X* x, int pair, MatrixSums<kPairs<T>>& sums) {
    TROIKA_UNROLL for (int p = 0; p < kPairs<T>; p++) {
      const Z even = start_of(x[2 * p], pair), odd = start_of(x[odd_token<T>(p)], pair);
      const Z s[2] = {vtrn1q_s32(even, odd), vtrn2q_s32(even, odd)};
      TROIKA_UNROLL for (int i = 0; i < 8; i++) sums.sum[i / 4][i / 2 % 2][i % 2][p] = s[i % 2];
    }
  }

  template <int T>
  TROIKA_INLINE static void run(const Tile<X>& c) {
    const int16_t* const scales = unpacked_scales(c.unpacked);
    TROIKA_KEEP_LOOP for (int first = 0; first < 4; first += 2) {
      MatrixTotals<kPairs<T>> total = {};
      TROIKA_KEEP_LOOP for (int p = 0; p < 8; p++) {
        fetch_part<L, T, 16>(c, 4 * first + p);
        MatrixSums<kPairs<T>> sums;
        start<T>(c.x, p, sums);
        TROIKA_UNROLL for (int i = 0; i < 2; i++)
            sums.template add<T>(c.unpacked + 512 * p + 256 * i + 64 * first, c.x, 32 * p + 16 * i);
        total.add(sums, scales + 32 * p + 8 * first);
      }
      TROIKA_UNROLL for (int r = 0; r < 2; r++) {
        const F d = load_half(c.head + 8 * (first + r));
        TROIKA_UNROLL for (int t = 0; t < T; t++)
            add_scaled(c, t, first + r, d, rows_of<T>(t, total.total[r][0], total.total[r][1]));
      }
    }
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    if constexpr (T > 1) {
      if (c.unpacked != nullptr) return run<T>(c);
    }
    Scaled<I6Paired>::tile<T>(c);
  }
};

}  // namespace
}  // namespace troika::cpu::neon
