// y = W x for 4-bit indices into a table with signed scales of 32 columns (iq4_xs), AVX2, 1 to 4
// tokens a tile. Lanes are 8 output rows, twice; layout: kernels/matmul_layouts.h. VPSHUFB looks up
// the signed weight and its size; size times q with the sign of the weight never leaves 16 bits (2
// * 127 * 127 = 32258), and VPMADDWD by the scale adds it to the sum of the whole block.
//   acc = fma(d * float(sum of scale * S), dx, acc)
#include "device/cpu/kernels/matmul_tile_avx2.h"

namespace troika::cpu::avx2 {
namespace {

/// The table as signed weights, and without their signs.
struct Table {
  Y weights, sizes;
  TROIKA_INLINE Table()
      : weights(_mm256_xor_si256(broadcast16(kTable), _mm256_set1_epi8(-kTableOffset))),
        sizes(_mm256_abs_epi8(weights)) {}
};

/// sum[t] += scale * the products of the weights that `index` names with q at x[t].q + at.
template <int T>
TROIKA_INLINE void add_products(Y index, const Super32* x, int at, Y scale, Y* sum) {
  const Table table;
  const Y w = _mm256_shuffle_epi8(table.weights, index);
  const Y size = _mm256_shuffle_epi8(table.sizes, index);
  TROIKA_UNROLL for (int t = 0; t < T; t++) {
    const Y q = _mm256_sign_epi8(broadcast4(x[t].q + at), w);
    sum[t] = add_pairs(sum[t], _mm256_maddubs_epi16(size, q), scale);
  }
}

/// Sub-block `S` of pair `p`: its eight groups of four columns.
template <int T, int S>
TROIKA_INLINE void products(const std::byte* block, int p, const Super32* x, Y scale, Y* sum) {
  const Y mask = _mm256_set1_epi8(15);
  TROIKA_UNROLL for (int i = 0; i < 4; i++) {
    const Y line = load(block + 512 * p + 256 * S + 64 * i);
    const int at = 64 * p + 4 * S + 8 * i;
    add_products<T>(_mm256_and_si256(line, mask), x, at, scale, sum);
    add_products<T>(_mm256_and_si256(_mm256_srli_epi16(line, 4), mask), x, at + 32, scale, sum);
  }
}

struct I4Table {
  using L = I4TableLayout;
  using X = Super32;
  static constexpr int kStep = 1;
  static constexpr int kTileTokens = 4;

  template <int T>
  static void tile(const Tile<X>& c) {
    Y sum[2][T] = {};
    TROIKA_KEEP_LOOP for (int i = 0; i < 8; i++) {
      const int p = i / 2, h = i % 2;
      fetch_part<L, T, 8>(c, i);
      const std::byte* scales = c.block + L::scales + 32 * p + 16 * h;
      products<T, 0>(c.block + 32 * h, p, c.x, widen_twice<0, 2>(scales), sum[h]);
      products<T, 1>(c.block + 32 * h, p, c.x, widen_twice<1, 2>(scales), sum[h]);
    }
    TROIKA_UNROLL for (int h = 0; h < 2; h++) {
      const F d = load_half(c.head + 16 * h);
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        const F y = _mm256_mul_ps(d, _mm256_cvtepi32_ps(sum[h][t]));
        store_acc(c, t, h, _mm256_fmadd_ps(y, _mm256_set1_ps(c.x[t].d), load_acc(c, t, h)));
      }
    }
  }
};

}  // namespace

void matmul_i4_table(const MatmulArgs& args) noexcept {
  multiply<I4Table>(args);
}

}  // namespace troika::cpu::avx2
