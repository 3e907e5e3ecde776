// y = W x for weights in blocks of 32 with one scale (q4_0, q8_0), AVX-512 VNNI, 1 to 8 tokens a
// tile. Lanes are 16 output rows; layouts: kernels/matmul_layouts.h. VPDPBUSD multiplies unsigned
// weights (offset by 8 or 128) with four activations broadcast from memory; its sums begin at minus
// the offset times the sum of q, so the offset costs nothing.
//   acc = fma(float(sum) * dx, d, acc), block after block.
#include "device/cpu/kernels/matmul_tile_avx512.h"

namespace troika::cpu::avx512 {
namespace {

/// Four bits: a line holds columns 4 i .. and 4 (i + 4) .. in its nibbles.
struct U4 {
  using L = U4Layout;

  static const int32_t* start(const Block32& x) { return &x.start_8; }

  template <int T>
  TROIKA_INLINE static void products(const std::byte* block, const Block32* x, Z* sum) {
    const Z mask = _mm512_set1_epi8(15);
    TROIKA_UNROLL for (int i = 0; i < 4; i++) {
      const Z line = load(block + 64 * i);
      const Z low = _mm512_and_si512(line, mask);
      const Z high = _mm512_and_si512(_mm512_srli_epi16(line, 4), mask);
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] =
          _mm512_dpbusd_epi32(sum[t], low, broadcast4(x[t].q + 4 * i));
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] =
          _mm512_dpbusd_epi32(sum[t], high, broadcast4(x[t].q + 4 * i + 16));
    }
  }
};

struct I8 {
  using L = I8Layout;

  static const int32_t* start(const Block32& x) { return &x.start_128; }

  template <int T>
  TROIKA_INLINE static void products(const std::byte* block, const Block32* x, Z* sum) {
    TROIKA_UNROLL for (int i = 0; i < 8; i++) {
      const Z line = load(block + 64 * i);
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] =
          _mm512_dpbusd_epi32(sum[t], line, broadcast4(x[t].q + 4 * i));
    }
  }
};

template <class Weights>
struct Blocks32 {
  using L = typename Weights::L;
  using X = Block32;
  static constexpr int kStep = 8;
  static constexpr int kTileTokens = 8;

  template <int T>
  static void tile(const Tile<X>& c) {
    F acc[T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) acc[t] = load_acc(c, t);
    TROIKA_KEEP_LOOP for (int b = 0; b < c.blocks; b++) {
      const Block32* x = c.x + b * c.x_step;
      Z sum[T];
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] = broadcast4(Weights::start(x[t]));
      if (c.fetch != nullptr) fetch_weights<L::bytes>(c.fetch + b * L::bytes);
      fetch_inputs<T * sizeof(X)>(x + T);
      Weights::template products<T>(c.block + b * L::bytes, x, sum);
      const F d = load_half(c.head + b * L::head);
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        const F scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(sum[t]), _mm512_set1_ps(x[t].d));
        acc[t] = _mm512_fmadd_ps(scaled, d, acc[t]);
      }
    }
    TROIKA_UNROLL for (int t = 0; t < T; t++) _mm512_store_ps(c.acc + 16 * t, acc[t]);
  }
};

}  // namespace

void matmul_u4_32(const MatmulArgs& args) noexcept {
  multiply<Blocks32<U4>>(args);
}
void matmul_i8_32(const MatmulArgs& args) noexcept {
  multiply<Blocks32<I8>>(args);
}

}  // namespace troika::cpu::avx512
