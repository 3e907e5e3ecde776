// y = W x for f32, f16 and bf16 weights, NEON, 1 to 4 tokens a tile. Lanes are 16 output rows: a
// column is four loads, and four FMAs a token with the activation. Products add in the order of k
// inside a leaf, whatever the number of tokens.
#include "device/cpu/kernels/matmul_tile_neon.h"

namespace troika::cpu::neon {
namespace {

F load_f32(const std::byte* p) {
  return vld1q_f32(reinterpret_cast<const float*>(p));
}

F load_bf16(const std::byte* p) {
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(reinterpret_cast<const uint16_t*>(p)), 16));
}

template <class Lay, F (*Load)(const std::byte*)>
struct Floats {
  using L = Lay;
  using X = float;
  static constexpr int kStep = 128;  // columns between stores of the sums
  static constexpr int kTileTokens = kTokens;

  template <int T>
  static void tile(const Tile<X>& c) {
    F sum[4][T];
    TROIKA_UNROLL for (int r = 0; r < 4; r++) {
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[r][t] = load_acc(c, t, r);
    }
    const float* x = c.x;
    TROIKA_KEEP_LOOP for (int k = 0; k < c.blocks; k++, x += c.x_step) {
      if (c.fetches(k % 32)) fetch_line(c.fetch + k * L::bytes);
      TROIKA_UNROLL for (int r = 0; r < 4; r++) {
        const F w = Load(c.block + k * L::bytes + r * (L::bytes / 4));
        TROIKA_UNROLL for (int t = 0; t < T; t++) sum[r][t] = vfmaq_n_f32(sum[r][t], w, x[t]);
      }
    }
    TROIKA_UNROLL for (int r = 0; r < 4; r++) {
      TROIKA_UNROLL for (int t = 0; t < T; t++) store_acc(c, t, r, sum[r][t]);
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

}  // namespace troika::cpu::neon
