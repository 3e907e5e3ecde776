// y = W x for weights in blocks of 32 with one scale (q4_0, q8_0), AVX2, 1 to 4 tokens a tile.
// Lanes are 8 output rows, twice; layouts: kernels/matmul_layouts.h.
//   acc = fma(float(sum) * dx, d, acc), block after block.
#include "device/cpu/kernels/matmul_tile_avx2.h"

namespace troika::cpu::avx2 {
namespace {

/// Four bits: a line holds columns 4 i .. and 4 (i + 4) .. in its nibbles. Sums of 16 products that
/// share a word stay below 16 * 15 * 127 = 30480; the offset of 8 comes off by the start.
struct U4 {
  using L = U4Layout;

  template <int T>
  TROIKA_INLINE static void products(const std::byte* block, const Block32* x, Y* sum) {
    const Y mask = _mm256_set1_epi8(15);
    Y words[T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) words[t] = _mm256_setzero_si256();
    TROIKA_UNROLL for (int i = 0; i < 4; i++) {
      const Y line = load(block + 64 * i);
      const Y low = _mm256_and_si256(line, mask);
      const Y high = _mm256_and_si256(_mm256_srli_epi16(line, 4), mask);
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        words[t] = add_bytes(words[t], low, broadcast4(x[t].q + 4 * i));
        words[t] = add_bytes(words[t], high, broadcast4(x[t].q + 4 * i + 16));
      }
    }
    TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] =
        add_pairs(broadcast4(&x[t].start_8), words[t], _mm256_set1_epi16(1));
  }
};

/// Eight bits: |w| times q with the sign of w, so that the unsigned factor is at most 128 and two
/// products at most 128 * 127 * 2 = 32512. With the offset of 128 they would not fit.
struct I8 {
  using L = I8Layout;

  template <int T>
  TROIKA_INLINE static void products(const std::byte* block, const Block32* x, Y* sum) {
    const Y ones = _mm256_set1_epi16(1);
    TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] = _mm256_setzero_si256();
    TROIKA_UNROLL for (int i = 0; i < 8; i++) {
      const Y w = _mm256_xor_si256(load(block + 64 * i), _mm256_set1_epi8(-128));
      const Y size = _mm256_abs_epi8(w);
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        const Y q = _mm256_sign_epi8(broadcast4(x[t].q + 4 * i), w);
        sum[t] = add_pairs(sum[t], _mm256_maddubs_epi16(size, q), ones);
      }
    }
  }
};

template <class Weights>
struct Blocks32 {
  using L = typename Weights::L;
  using X = Block32;
  static constexpr int kStep = 8;
  static constexpr int kTileTokens = 4;

  template <int T>
  static void tile(const Tile<X>& c) {
    F acc[2][T];  // in memory but for those of the half at hand
    TROIKA_KEEP_LOOP for (int h = 0; h < 2; h++) {
      TROIKA_UNROLL for (int t = 0; t < T; t++) acc[h][t] = load_acc(c, t, h);
    }
    TROIKA_KEEP_LOOP for (int i = 0; i < 2 * c.blocks; i++) {
      const int b = i / 2, h = i % 2;
      const Block32* x = c.x + b * c.x_step;
      if (h == 0) {
        if (c.fetches(b)) fetch_weights<kFetched<L>>(c.fetch + b * kFetched<L>);
        fetch_inputs<T * sizeof(X)>(x + T);
      }
      Y sum[T];
      Weights::template products<T>(c.block + b * L::bytes + 32 * h, x, sum);
      const F d = load_half(c.head + b * L::head + 16 * h);
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        const F scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(sum[t]), _mm256_set1_ps(x[t].d));
        acc[h][t] = _mm256_fmadd_ps(scaled, d, acc[h][t]);
      }
    }
    TROIKA_KEEP_LOOP for (int h = 0; h < 2; h++) {
      TROIKA_UNROLL for (int t = 0; t < T; t++) store_acc(c, t, h, acc[h][t]);
    }
  }
};

}  // namespace

void matmul_u4_32(const MatmulArgs& args) noexcept {
  multiply<Blocks32<U4>>(args);
}
void matmul_i8_32(const MatmulArgs& args) noexcept {
  multiply<Blocks32<I8>>(args);
}

}  // namespace troika::cpu::avx2
