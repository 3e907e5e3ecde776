// y = W x for f32, f16 and bf16 weights, AVX2, 1 to 6 tokens a tile. Lanes are 16 output rows in
// two registers: a column is two loads, and two FMAs a token with the activation broadcast.
// Products add in the order of k inside a leaf, whatever the number of tokens.
#include "device/cpu/kernels/matmul_tile_avx2.h"

namespace troika::cpu::avx2 {
namespace {

F load_f32(const std::byte* p) {
  return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
}

F load_bf16(const std::byte* p) {
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}

template <class Lay, F (*Load)(const std::byte*)>
struct Floats {
  using L = Lay;
  using X = float;
  static constexpr int kStep = 128;      // columns between stores of the sums
  static constexpr int kTileTokens = 6;  // 12 sums

  template <int T>
  static void tile(const Tile<X>& c) {
    F low[T], high[T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      low[t] = load_acc(c, t, 0);
      high[t] = load_acc(c, t, 1);
    }
    const float* x = c.x;
    TROIKA_KEEP_LOOP for (int k = 0; k < c.blocks; k++, x += c.x_step) {
      if (c.fetches(k % 32)) fetch_line(c.fetch + k * L::bytes);
      const F w_low = Load(c.block + k * L::bytes);
      const F w_high = Load(c.block + k * L::bytes + L::bytes / 2);
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        const F factor = _mm256_set1_ps(x[t]);
        low[t] = _mm256_fmadd_ps(w_low, factor, low[t]);
        high[t] = _mm256_fmadd_ps(w_high, factor, high[t]);
      }
    }
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      store_acc(c, t, 0, low[t]);
      store_acc(c, t, 1, high[t]);
    }
  }
};

}  // namespace

void matmul_f32(const MatmulArgs& args) noexcept {
  multiply<Floats<F32Layout, load_f32>>(args);
}
void matmul_f16(const MatmulArgs& args) noexcept {
  multiply<Floats<Float16Layout, load_half>>(args);
}
void matmul_bf16(const MatmulArgs& args) noexcept {
  multiply<Floats<Float16Layout, load_bf16>>(args);
}

}  // namespace troika::cpu::avx2
