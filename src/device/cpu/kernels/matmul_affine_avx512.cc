// y = W x for weights with 6-bit scales and minima of 32 columns (q4_k, q5_k), AVX-512 VNNI, 1 to 8
// tokens a tile. Lanes are 8 output rows times two sub-blocks; layouts: kernels/matmul_layouts.h.
// The 32-bit sums of two sub-blocks pack to 16 bits and one VPDPWSSD applies both scales: half the
// scarce slots of VPMULLD and VPADDD. Sums that may leave 16 bits (`wide`, known from the
// activations alone) go as two bytes, which gives the same integers.
//   acc = fma(fma(d, float(sum of scale * S), -(dmin * float(sum of minimum * sum q))), dx, acc)
#include "device/cpu/kernels/matmul_tile_avx512.h"

namespace troika::cpu::avx512 {
namespace {

struct U4 {
  using L = U4AffineLayout;
  static int32_t wide(const Super32& x) { return x.wide_4; }

  /// The weights of line 8 p + i: a into low, b into high.
  template <int I>
  TROIKA_INLINE static void unpack(const std::byte* block, int p, Z& low, Z& high) {
    const Z mask = _mm512_set1_epi8(15);
    const Z line = load(block + 512 * p + 64 * I);
    low = _mm512_and_si512(line, mask);
    high = _mm512_and_si512(_mm512_srli_epi16(line, 4), mask);
  }
};

struct U5 {
  using L = U5AffineLayout;
  static int32_t wide(const Super32& x) { return x.wide_5; }

  /// Bit I of each byte to bit 4; the other bits are left over.
  template <int I>
  TROIKA_INLINE static Z fifth(const std::byte* line) {
    if constexpr (I <= 4)
      return _mm512_slli_epi16(load(line), 4 - I);
    else
      return _mm512_srli_epi16(load(line), I - 4);
  }

  template <int I>
  TROIKA_INLINE static void unpack(const std::byte* block, int p, Z& low, Z& high) {
    U4::unpack<I>(block, p, low, high);
    const Z bit = _mm512_set1_epi8(16);
    const std::byte* lines = block + L::fifth + 128 * p;
    low = _mm512_ternarylogic_epi32(low, fifth<I>(lines), bit, 0xF8);  // low | (fifth & bit)
    high = _mm512_ternarylogic_epi32(high, fifth<I>(lines + 64), bit, 0xF8);
  }
};

/// The weights of a block as bytes: line 16 p + 2 I is what unpack<I> calls low, the next one high;
/// then four lines of 16-bit scales and four of minima.
constexpr int kScales = 4096, kMinima = kScales + 256;

/// Sums of lines 8 p + I .. 8 p + 7 of the packed block, or of one as bytes.
template <class Weights, bool Unpacked, int T, int I = 0>
TROIKA_INLINE void products(const Tile<Super32>& c, const std::byte* block, int p, Z* a, Z* b) {
  if constexpr (I < 8) {
    Z low, high;
    if constexpr (Unpacked) {
      low = load(block + 1024 * p + 128 * I);
      high = load(block + 1024 * p + 128 * I + 64);
    } else {
      Weights::template unpack<I>(block, p, low, high);
    }
    constexpr int kQuarter = kFetched<typename Weights::L> / 4;
    if (c.fetches(I)) fetch_part(c.fetch + p * kQuarter, kQuarter, 8, I);
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      const Z q = broadcast8(c.x[t].q + 64 * p + 8 * I);
      a[t] = _mm512_dpbusd_epi32(a[t], low, q);
      b[t] = _mm512_dpbusd_epi32(b[t], high, q);
    }
    products<Weights, Unpacked, T, I + 1>(c, block, p, a, b);
  }
}

template <class Weights>
struct Affine {
  using L = typename Weights::L;
  using X = Super32;
  static constexpr int kStep = 1;
  static constexpr int kTileTokens = 8;
  static constexpr bool kUnpacks = true;

  /// d * scaled sums - dmin * minima, times dx, into the leaf.
  template <int T>
  TROIKA_INLINE static void finish(const Tile<X>& c, const Z* m, const Z* sum) {
    const F d = load_half(c.block + L::d), dmin = load_half(c.block + L::dmin);
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      Z s = _mm512_setzero_si512();
      TROIKA_UNROLL for (int p = 0; p < 4; p++) s =
          _mm512_dpwssd_epi32(s, m[p], broadcast4(c.x[t].sum + 2 * p));
      const F y = _mm512_fmsub_ps(d, _mm512_cvtepi32_ps(sum[t]),
                                  _mm512_mul_ps(dmin, _mm512_cvtepi32_ps(s)));
      _mm512_store_ps(c.acc + 16 * t, _mm512_fmadd_ps(y, _mm512_set1_ps(c.x[t].d), load_acc(c, t)));
    }
  }

  template <int T, bool Wide, bool Unpacked>
  TROIKA_INLINE static void run(const Tile<X>& c) {
    alignas(64) std::byte v[256];  // scales, then minima
    if constexpr (!Unpacked) unpack_six_bits(c.block + L::scales, v);
    Z sum[T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] = _mm512_setzero_si512();
    TROIKA_KEEP_LOOP for (int p = 0; p < 4; p++) {
      Z a[T], b[T];
      TROIKA_UNROLL for (int t = 0; t < T; t++) a[t] = b[t] = _mm512_setzero_si512();
      fetch_inputs<T * sizeof(X) / 4>(reinterpret_cast<const std::byte*>(c.x + T) +
                                      p * (T * sizeof(X) / 4));
      products<Weights, Unpacked, T>(c, Unpacked ? c.unpacked : c.block, p, a, b);
      const Z scales = Unpacked ? load(c.unpacked + kScales + 64 * p) : widen_u8(v + 32 * p);
      TROIKA_UNROLL for (int t = 0; t < T; t++) sum[t] =
          add_scaled<Wide>(sum[t], a[t], b[t], scales);
    }
    Z m[4];
    TROIKA_UNROLL for (int p = 0; p < 4; p++) m[p] =
        Unpacked ? load(c.unpacked + kMinima + 64 * p) : widen_u8(v + 128 + 32 * p);
    finish<T>(c, m, sum);
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    int32_t wide = 0;
    TROIKA_UNROLL for (int t = 0; t < T; t++) wide |= Weights::wide(c.x[t]);
    if (wide != 0) [[unlikely]]
      return run<T, true, false>(c);
    if constexpr (T >= 4) {
      if (c.unpacked != nullptr) return run<T, false, true>(c);
    }
    run<T, false, false>(c);
  }

  template <int I = 0>
  TROIKA_INLINE static void unpack_lines(const std::byte* block, int p, std::byte* out) {
    if constexpr (I < 8) {
      Z low, high;
      Weights::template unpack<I>(block, p, low, high);
      _mm512_store_si512(out + 128 * I, low);
      _mm512_store_si512(out + 128 * I + 64, high);
      unpack_lines<I + 1>(block, p, out);
    }
  }

  static void unpack(const Tile<X>& c, std::byte* out) {
    alignas(64) std::byte v[256];
    unpack_six_bits(c.block + L::scales, v);
    TROIKA_KEEP_LOOP for (int p = 0; p < 4; p++) {
      unpack_lines(c.block, p, out + 1024 * p);
      _mm512_store_si512(out + kScales + 64 * p, widen_u8(v + 32 * p));
      _mm512_store_si512(out + kMinima + 64 * p, widen_u8(v + 128 + 32 * p));
    }
  }
};

}  // namespace

void matmul_u4_affine(const MatmulArgs& args) noexcept {
  multiply<Affine<U4>>(args);
}
void matmul_u5_affine(const MatmulArgs& args) noexcept {
  multiply<Affine<U5>>(args);
}

}  // namespace troika::cpu::avx512
