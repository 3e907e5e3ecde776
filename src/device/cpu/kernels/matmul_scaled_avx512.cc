// y = W x for weights with signed scales of 16 columns (q6_k, q3_k), AVX-512 VNNI, 1 to 8 tokens a
// tile. Lanes are 8 output rows times two sub-blocks; layouts: kernels/matmul_layouts.h. Scales are
// applied two at a time as in matmul_affine_avx512.cc; sums begin at minus the weights' offset
// times the sum of q, so the offset costs nothing.
//   acc = fma(d * float(sum of scale * S), dx, acc)
#include "device/cpu/kernels/matmul_tile_avx512.h"

namespace troika::cpu::avx512 {
namespace {

/// The two weights of eight broadcast bytes: a[t] += wa q, b[t] += wb q.
template <int T>
TROIKA_INLINE void add_products(Z wa, Z wb, const Super16* x, int at, Z* a, Z* b) {
  TROIKA_UNROLL for (int t = 0; t < T; t++) {
    const Z q = broadcast8(x[t].q + at);
    a[t] = _mm512_dpbusd_epi32(a[t], wa, q);
    b[t] = _mm512_dpbusd_epi32(b[t], wb, q);
  }
}

template <int T>
TROIKA_INLINE void store(const Tile<Super16>& c, const Z* sum) {
  const F d = load_half(c.head);
  TROIKA_UNROLL for (int t = 0; t < T; t++) {
    const F y = _mm512_mul_ps(d, _mm512_cvtepi32_ps(sum[t]));
    _mm512_store_ps(c.acc + 16 * t, _mm512_fmadd_ps(y, _mm512_set1_ps(c.x[t].d), load_acc(c, t)));
  }
}

/// Fetches part `part` of kParts of what eighth p of a tile fetches.
template <class L, int kParts>
TROIKA_INLINE void fetch_part_of_weights(const Tile<Super16>& c, int p, int part) {
  constexpr int kEighth = kFetched<L> / 8;
  if (c.fetches((p * kParts + part) % 32)) fetch_part(c.fetch + p * kEighth, kEighth, kParts, part);
}

/// Fetches part p of 8 of the next tile's activations.
template <int T>
TROIKA_INLINE void fetch_part_of_inputs(const Tile<Super16>& c, int p) {
  constexpr int kPart = T * sizeof(Super16) / 8;
  fetch_inputs<kPart>(reinterpret_cast<const std::byte*>(c.x + T) + p * kPart);
}

struct I6 {
  using L = I6ScaledLayout;
  static constexpr bool kUnpacks = true;
  static constexpr int kScales = 4096;  // of the unpacked block: eight lines of 16 bits
  using X = Super16;
  static constexpr int kStep = 1;
  static constexpr int kTileTokens = 8;

  /// Columns 32 p + 8 c .. of both sub-blocks, from three lines.
  template <int T>
  TROIKA_INLINE static void products(const std::byte* lines, const X* x, int at, Z* a, Z* b) {
    const Z mask = _mm512_set1_epi8(63);  // the only mask: registers are full
    const Z z0 = load(lines), z1 = load(lines + 64), z2 = load(lines + 128);
    add_products<T>(_mm512_and_si512(z0, mask), _mm512_and_si512(z1, mask), x, at, a, b);
    add_products<T>(_mm512_and_si512(z2, mask), top_bits(z0, z1, z2, mask), x, at + 8, a, b);
  }

  /// b, h = 1 of three lines: what their low six bits leave.
  TROIKA_INLINE static Z top_bits(Z z0, Z z1, Z z2, Z mask) {
    return _mm512_ternarylogic_epi32(_mm512_srli_epi16(_mm512_andnot_si512(mask, z0), 6),
                                     _mm512_srli_epi16(_mm512_andnot_si512(mask, z1), 4),
                                     _mm512_srli_epi16(_mm512_andnot_si512(mask, z2), 2),
                                     0xFE);  // the OR of the three
  }

  /// The same from four lines of bytes.
  template <int T>
  TROIKA_INLINE static void byte_products(const std::byte* lines, const X* x, int at, Z* a, Z* b) {
    add_products<T>(load(lines), load(lines + 64), x, at, a, b);
    add_products<T>(load(lines + 128), load(lines + 192), x, at + 8, a, b);
  }

  static void unpack(const Tile<X>& c, std::byte* out) {
    const Z mask = _mm512_set1_epi8(63);
    TROIKA_KEEP_LOOP for (int i = 0; i < 16; i++) {
      const std::byte* lines = c.block + 192 * i;
      const Z z0 = load(lines), z1 = load(lines + 64), z2 = load(lines + 128);
      _mm512_store_si512(out + 256 * i, _mm512_and_si512(z0, mask));
      _mm512_store_si512(out + 256 * i + 64, _mm512_and_si512(z1, mask));
      _mm512_store_si512(out + 256 * i + 128, _mm512_and_si512(z2, mask));
      _mm512_store_si512(out + 256 * i + 192, top_bits(z0, z1, z2, mask));
    }
    TROIKA_KEEP_LOOP for (int p = 0; p < 8; p++)
        _mm512_store_si512(out + kScales + 64 * p, widen_i8(c.block + L::scales + 32 * p));
  }

  template <int T, bool Wide, bool Unpacked>
  TROIKA_INLINE static void run(const Tile<X>& c) {
    Z sum[T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] = _mm512_setzero_si512();
    TROIKA_KEEP_LOOP for (int p = 0; p < 8; p++) {
      Z a[T], b[T];
      TROIKA_UNROLL for (int t = 0; t < T; t++) a[t] = b[t] = broadcast8(c.x[t].start_32 + 2 * p);
      fetch_part_of_inputs<T>(c, p);
      TROIKA_UNROLL for (int half = 0; half < 2; half++) {
        fetch_part_of_weights<L, 2>(c, p, half);
        if constexpr (Unpacked)
          byte_products<T>(c.unpacked + 512 * p + 256 * half, c.x, 32 * p + 16 * half, a, b);
        else
          products<T>(c.block + 384 * p + 192 * half, c.x, 32 * p + 16 * half, a, b);
      }
      const Z scales =
          Unpacked ? load(c.unpacked + kScales + 64 * p) : widen_i8(c.block + L::scales + 32 * p);
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] =
          add_scaled<Wide>(sum[t], a[t], b[t], scales);
    }
    store<T>(c, sum);
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    int32_t wide = 0;
    TROIKA_UNROLL for (int t = 0; t < T; t++) wide |= c.x[t].wide_6;
    if (wide != 0) [[unlikely]]
      return run<T, true, false>(c);
    if constexpr (T >= 4) {
      if (c.unpacked != nullptr) return run<T, false, true>(c);
    }
    run<T, false, false>(c);
  }
};

/// Weights -4 .. 3: a sum of 16 products is at most 4 * 127 * 16 and never wide.
struct I3 {
  using L = I3ScaledLayout;
  using X = Super16;
  static constexpr int kStep = 1;
  static constexpr int kTileTokens = 8;

  /// Bit `Bit` of each byte to bit 2; the other bits are left over.
  template <int Bit>
  TROIKA_INLINE static Z third(Z line) {
    if constexpr (Bit <= 2)
      return _mm512_slli_epi16(line, 2 - Bit);
    else
      return _mm512_srli_epi16(line, Bit - 2);
  }

  template <int T, int I = 0>
  TROIKA_INLINE static void products(const Tile<X>& c, int p, Z low_a, Z low_b, Z top, Z* a, Z* b) {
    if constexpr (I < 4) {
      fetch_part_of_weights<L, 4>(c, p, I);
      const Z two = _mm512_set1_epi8(3), bit = _mm512_set1_epi8(4);
      Z wa = _mm512_and_si512(_mm512_srli_epi16(low_a, 2 * I), two);
      Z wb = _mm512_and_si512(_mm512_srli_epi16(low_b, 2 * I), two);
      wa = _mm512_ternarylogic_epi32(wa, third<I>(top), bit, 0xF8);  // wa | (third & bit)
      wb = _mm512_ternarylogic_epi32(wb, third<I + 4>(top), bit, 0xF8);
      add_products<T>(wa, wb, c.x, 32 * p + 8 * I, a, b);
      products<T, I + 1>(c, p, low_a, low_b, top, a, b);
    }
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    alignas(64) std::byte v[256];
    unpack_six_bits(c.block + L::scales, v);
    Z sum[T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] = _mm512_setzero_si512();
    TROIKA_KEEP_LOOP for (int p = 0; p < 8; p++) {
      Z a[T], b[T];
      TROIKA_UNROLL for (int t = 0; t < T; t++)  // -4 sum q, from -32 sum q
          a[t] = b[t] = _mm512_srai_epi32(broadcast8(c.x[t].start_32 + 2 * p), 3);
      fetch_part_of_inputs<T>(c, p);
      products<T>(c, p, load(c.block + 128 * p), load(c.block + 128 * p + 64),
                  load(c.block + L::third + 64 * p), a, b);
      const Z scales = _mm512_sub_epi16(widen_u8(v + 32 * p), _mm512_set1_epi16(32));
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] =
          add_scaled<false>(sum[t], a[t], b[t], scales);
    }
    store<T>(c, sum);
  }
};

}  // namespace

void matmul_i6_scaled(const MatmulArgs& args) noexcept {
  multiply<I6>(args);
}
void matmul_i3_scaled(const MatmulArgs& args) noexcept {
  multiply<I3>(args);
}

}  // namespace troika::cpu::avx512
