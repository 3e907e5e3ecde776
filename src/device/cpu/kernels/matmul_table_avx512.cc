// y = W x for 4-bit indices into a table with signed scales of 32 columns (iq4_xs), AVX-512 VNNI, 1
// to 8 tokens a tile. Lanes are 16 output rows; layout: kernels/matmul_layouts.h. VPSHUFB looks up
// the table plus 128; the offset comes off at the end as 128 times the sum of scale * sum q. Sums
// of a sub-block do not fit 16 bits, so scales are applied by VPMULLD.
//   acc = fma(d * float(sum of scale * S), dx, acc)
#include "device/cpu/kernels/matmul_tile_avx512.h"

namespace troika::cpu::avx512 {
namespace {

struct I4Table {
  using L = I4TableLayout;
  using X = Super32;
  static constexpr int kStep = 1;
  static constexpr int kTileTokens = 8;
  static constexpr int kQuarter = kFetched<L> / 4;

  /// Sub-block `s` of pair `p`: its eight groups of four columns.
  template <int T>
  TROIKA_INLINE static void products(const Tile<X>& c, int p, int s, Z* sum) {
    const Z mask = _mm512_set1_epi8(15);
    const Z table =
        _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(kTable)));
    TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] = _mm512_setzero_si512();
    TROIKA_UNROLL for (int i = 0; i < 4; i++) {
      if (c.fetches(4 * s + i)) fetch_part(c.fetch + p * kQuarter, kQuarter, 8, 4 * s + i);
      const Z line = load(c.block + 512 * p + 256 * s + 64 * i);
      const Z low = _mm512_shuffle_epi8(table, _mm512_and_si512(line, mask));
      const Z high = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(line, 4), mask));
      const int at = 64 * p + 4 * s + 8 * i;
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] =
          _mm512_dpbusd_epi32(sum[t], low, broadcast4(c.x[t].q + at));
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] =
          _mm512_dpbusd_epi32(sum[t], high, broadcast4(c.x[t].q + at + 32));
    }
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    Z total[T], offset[T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) total[t] = offset[t] = _mm512_setzero_si512();
    TROIKA_KEEP_LOOP for (int p = 0; p < 4; p++) {
      constexpr int kInputs = T * sizeof(X) / 4;
      fetch_inputs<kInputs>(reinterpret_cast<const std::byte*>(c.x + T) + p * kInputs);
      const Z pair = widen_i8(c.block + L::scales + 32 * p);
      TROIKA_UNROLL for (int t = 0; t < T; t++) offset[t] =
          _mm512_dpwssd_epi32(offset[t], pair, broadcast4(c.x[t].sum + 2 * p));
      TROIKA_UNROLL for (int s = 0; s < 2; s++) {
        Z sum[T];
        products<T>(c, p, s, sum);
        const Z scale = _mm512_srai_epi32(s == 0 ? _mm512_slli_epi32(pair, 16) : pair, 16);
        TROIKA_UNROLL for (int t = 0; t < T; t++) total[t] =
            _mm512_add_epi32(total[t], _mm512_mullo_epi32(sum[t], scale));
      }
    }
    const F d = load_half(c.head);
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      const Z sum = _mm512_sub_epi32(total[t], _mm512_slli_epi32(offset[t], 7));
      const F y = _mm512_mul_ps(d, _mm512_cvtepi32_ps(sum));
      _mm512_store_ps(c.acc + 16 * t, _mm512_fmadd_ps(y, _mm512_set1_ps(c.x[t].d), load_acc(c, t)));
    }
  }
};

}  // namespace

void matmul_i4_table(const MatmulArgs& args) noexcept {
  multiply<I4Table>(args);
}

}  // namespace troika::cpu::avx512
