// Sums over paired lanes (kernels/matmul_layouts.h) by dot products: what the affine and the scaled
// kernels share. For files *_dotprod.cc and *_i8mm.cc; internal linkage.
#pragma once

#include "device/cpu/kernels/matmul_tile_neon.h"

namespace troika::cpu::neon {
namespace {

/// 32-bit sums of R registers of a line and T tokens, two sub-blocks apart.
template <int R, int T>
struct PairedSums {
  Z a[R][T], b[R][T];

  /// All begin with the two sub-blocks' values of their token.
  TROIKA_INLINE void start(int t, Z value) {
    TROIKA_UNROLL for (int r = 0; r < R; r++) a[r][t] = b[r][t] = value;
  }

  /// Adds sum times the 16-bit scales of R times four rows.
  TROIKA_INLINE void add(const PairedSums& sum, const int16_t* scales) {
    TROIKA_UNROLL for (int r = 0; r < R; r++) {
      const PairedScales scale(vld1q_s16(scales + 8 * r));
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        a[r][t] = vmlaq_s32(a[r][t], sum.a[r][t], scale.a);
        b[r][t] = vmlaq_s32(b[r][t], sum.b[r][t], scale.b);
      }
    }
  }

  /// Rows 4 r .. of token t over both sub-blocks.
  TROIKA_INLINE Z rows(int r, int t) const { return vpaddq_s32(a[r][t], b[r][t]); }
};

/// Adds lines I .. Lines - 1 of pair p; their activations lie at x[t].q + at. Weights::line<I>
/// unpacks one.
template <class Weights, int Lines, int I = 0, class X, int R, int T>
TROIKA_INLINE void add_lines(const std::byte* rows, int p, const X* x, int at,
                             PairedSums<R, T>& sum) {
  if constexpr (I < Lines) {
    B a[R], b[R];
    TROIKA_UNROLL for (int r = 0; r < R; r++)
        Weights::template line<I>(rows + 16 * r, p, a[r], b[r]);
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      const B q = broadcast8(x[t].q + at + 8 * I);
      TROIKA_UNROLL for (int r = 0; r < R; r++) {
        sum.a[r][t] = vdotq_s32(sum.a[r][t], a[r], q);
        sum.b[r][t] = vdotq_s32(sum.b[r][t], b[r], q);
      }
    }
    add_lines<Weights, Lines, I + 1>(rows, p, x, at, sum);
  }
}

}  // namespace
}  // namespace troika::cpu::neon
