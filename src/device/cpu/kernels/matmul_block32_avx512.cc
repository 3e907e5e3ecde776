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
  static constexpr bool kUnpacks = true;

  static const int32_t* start(const Block32& x) { return &x.start_8; }

  /// Columns 4 i .. as bytes.
  TROIKA_INLINE static Z line(const std::byte* block, int i) {
    const Z mask = _mm512_set1_epi8(15);
    const Z nibbles = load(block + 64 * (i % 4));
    return _mm512_and_si512(i < 4 ? nibbles : _mm512_srli_epi16(nibbles, 4), mask);
  }
};

struct I8 {
  using L = I8Layout;
  static constexpr bool kUnpacks = false;  // they are bytes

  static const int32_t* start(const Block32& x) { return &x.start_128; }

  TROIKA_INLINE static Z line(const std::byte* block, int i) { return load(block + 64 * i); }
};

template <class Weights>
struct Blocks32 {
  using L = typename Weights::L;
  using X = Block32;
  static constexpr int kStep = 8;
  static constexpr int kTileTokens = 8;
  static constexpr bool kUnpacks = Weights::kUnpacks;
  static constexpr int kUnpackedBlock = 512;

  /// Adds blocks b .. b + N - 1 to acc. Two at a time: the sums of one block are too few to hide
  /// the latency of a product where two are begun in a cycle.
  template <int T, bool Unpacked, int N>
  TROIKA_INLINE static void add(const Tile<X>& c, int b, F* acc) {
    Z sum[N][T];
    TROIKA_UNROLL for (int n = 0; n < N; n++) {
      const X* x = c.x + (b + n) * c.x_step;
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[n][t] = broadcast4(Weights::start(x[t]));
      fetch_inputs<T * sizeof(X)>(x + T);
    }
    TROIKA_UNROLL for (int i = 0; i < 8; i++) TROIKA_UNROLL for (int n = 0; n < N; n++) {
      const X* x = c.x + (b + n) * c.x_step;
      const Z line = Unpacked ? load(c.unpacked + (b + n) * kUnpackedBlock + 64 * i)
                              : Weights::line(c.block + (b + n) * L::bytes, i);
      if (c.fetches(i)) fetch_part(c.fetch + (b + n) * kFetched<L>, kFetched<L>, 8, i);
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[n][t] =
          _mm512_dpbusd_epi32(sum[n][t], line, broadcast4(x[t].q + 4 * i));
    }
    TROIKA_UNROLL for (int n = 0; n < N; n++) {
      const X* x = c.x + (b + n) * c.x_step;
      const F d = load_half(c.head + (b + n) * L::head);
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        const F scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(sum[n][t]), _mm512_set1_ps(x[t].d));
        acc[t] = _mm512_fmadd_ps(scaled, d, acc[t]);
      }
    }
  }

  template <int T, bool Unpacked>
  TROIKA_INLINE static void run(const Tile<X>& c) {
    F acc[T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) acc[t] = load_acc(c, t);
    int b = 0;
    TROIKA_KEEP_LOOP for (; b + 1 < c.blocks; b += 2) add<T, Unpacked, 2>(c, b, acc);
    if (b < c.blocks) add<T, Unpacked, 1>(c, b, acc);
    TROIKA_UNROLL for (int t = 0; t < T; t++) _mm512_store_ps(c.acc + 16 * t, acc[t]);
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    if constexpr (T >= 4 && kUnpacks) {
      if (c.unpacked != nullptr) return run<T, true>(c);
    }
    run<T, false>(c);
  }

  static void unpack(const Tile<X>& c, std::byte* out) {
    TROIKA_KEEP_LOOP for (int b = 0; b < c.blocks; b++) TROIKA_UNROLL for (int i = 0; i < 8; i++)
        _mm512_store_si512(out + b * kUnpackedBlock + 64 * i,
                           Weights::line(c.block + b * L::bytes, i));
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
