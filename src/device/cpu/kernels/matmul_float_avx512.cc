// y = W x for f32, f16 and bf16 weights, AVX-512, 1 to 8 tokens a tile. Lanes are 16 output rows: a
// column is one load, and one FMA a token with the activation broadcast. Products add in the order
// of k inside a leaf, whatever the number of tokens.
#include "device/cpu/kernels/matmul_tile_avx512.h"

namespace troika::cpu::avx512 {
namespace {

F load_f32(const std::byte* p) {
  return _mm512_loadu_ps(p);
}

F load_bf16(const std::byte* p) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

template <class Lay, F (*Load)(const std::byte*)>
struct Floats {
  using L = Lay;
  using X = float;
  static constexpr int kStep = 128;  // columns between stores of the sums
  static constexpr int kTileTokens = 8;

  template <int T>
  static void tile(const Tile<X>& c) {
    F sum[T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] = load_acc(c, t);
    const float* x = c.x;
    TROIKA_KEEP_LOOP for (int k = 0; k < c.blocks; k++, x += c.x_step) {
      if (c.fetches(k % 32)) fetch_line(c.fetch + k * L::bytes);
      const F w = Load(c.block + k * L::bytes);
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] =
          _mm512_fmadd_ps(w, _mm512_set1_ps(x[t]), sum[t]);
    }
    TROIKA_UNROLL for (int t = 0; t < T; t++) _mm512_store_ps(c.acc + 16 * t, sum[t]);
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

}  // namespace troika::cpu::avx512
