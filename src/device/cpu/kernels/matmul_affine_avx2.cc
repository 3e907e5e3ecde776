// y = W x for weights with 6-bit scales and minima of 32 columns (q4_k, q5_k), AVX2, 1 to 4 tokens
// a tile. Lanes are 4 output rows times two sub-blocks, twice two halves; layouts:
// kernels/matmul_layouts.h. Lines add in 16 bits as long as they fit whatever the activations are
// (eight of 4-bit weights, 8 * 2 * 15 * 127 = 30480; four of 5-bit ones), so there is no wide path;
// one VPMADDWD then applies the scales.
//   acc = fma(fma(d, float(sum of scale * S), -(dmin * float(sum of minimum * sum q))), dx, acc)
#include "device/cpu/kernels/matmul_tile_avx2.h"

namespace troika::cpu::avx2 {
namespace {

struct U4 {
  using L = U4AffineLayout;
  static constexpr int kLines = 8;  // that add in 16 bits

  /// The weights of line 8 p + I: a into low, b into high.
  template <int I>
  TROIKA_INLINE static void unpack(const std::byte* block, int p, Y& low, Y& high) {
    const Y mask = _mm256_set1_epi8(15);
    const Y line = load(block + 512 * p + 64 * I);
    low = _mm256_and_si256(line, mask);
    high = _mm256_and_si256(_mm256_srli_epi16(line, 4), mask);
  }
};

struct U5 {
  using L = U5AffineLayout;
  static constexpr int kLines = 4;

  /// Bit I of each byte as bit 4.
  template <int I>
  TROIKA_INLINE static Y fifth(const std::byte* line) {
    const Y bits = load(line);
    const Y moved = I <= 4 ? _mm256_slli_epi16(bits, I <= 4 ? 4 - I : 0)
                           : _mm256_srli_epi16(bits, I <= 4 ? 0 : I - 4);
    return _mm256_and_si256(moved, _mm256_set1_epi8(16));
  }

  template <int I>
  TROIKA_INLINE static void unpack(const std::byte* block, int p, Y& low, Y& high) {
    U4::unpack<I>(block, p, low, high);
    const std::byte* lines = block + L::fifth + 128 * p;
    low = _mm256_or_si256(low, fifth<I>(lines));
    high = _mm256_or_si256(high, fifth<I>(lines + 64));
  }
};

/// The 16-bit sums of lines 8 p + I .. 8 p + End - 1.
template <class Weights, int T, int I, int End>
TROIKA_INLINE void products(const std::byte* block, int p, const Super32* x, Y* a, Y* b) {
  if constexpr (I < End) {
    Y low, high;
    Weights::template unpack<I>(block, p, low, high);
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      const Y q = broadcast8(x[t].q + 64 * p + 8 * I);
      a[t] = add_bytes(a[t], low, q);
      b[t] = add_bytes(b[t], high, q);
    }
    products<Weights, T, I + 1, End>(block, p, x, a, b);
  }
}

/// 32-bit sums of scale * S by token, two sub-blocks apart.
template <int T>
struct Sums {
  Y a[T], b[T];
};

/// Adds the products of lines 8 p + I .. 8 p + 7.
template <class Weights, int T, int I = 0>
TROIKA_INLINE void add_lines(const std::byte* block, int p, const Super32* x,
                             const PairedScales& scales, Sums<T>& sums) {
  if constexpr (I < 8) {
    Y a[T], b[T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) a[t] = b[t] = _mm256_setzero_si256();
    products<Weights, T, I, I + Weights::kLines>(block, p, x, a, b);
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      sums.a[t] = add_pairs(sums.a[t], a[t], scales.a);
      sums.b[t] = add_pairs(sums.b[t], b[t], scales.b);
    }
    add_lines<Weights, T, I + Weights::kLines>(block, p, x, scales, sums);
  }
}

template <class Weights>
struct Affine {
  using L = typename Weights::L;
  using X = Super32;
  static constexpr int kStep = 1;
  static constexpr int kTileTokens = 4;

  /// d * scaled sums - dmin * minima, times dx, into half h of the leaf.
  template <int T>
  TROIKA_INLINE static void finish(const Tile<X>& c, int h, const std::byte* mins,
                                   const Sums<T>& sums) {
    Y m[4];
    TROIKA_UNROLL for (int p = 0; p < 4; p++) m[p] = widen(mins + 32 * p + 16 * h);
    const F d = load_half(c.block + L::d + 16 * h);
    const F dmin = load_half(c.block + L::dmin + 16 * h);
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      Y s = _mm256_setzero_si256();
      TROIKA_UNROLL for (int p = 0; p < 4; p++) s =
          add_pairs(s, m[p], broadcast4(c.x[t].sum + 2 * p));
      const F scaled = _mm256_cvtepi32_ps(add_sub_blocks(sums.a[t], sums.b[t]));
      const F y = _mm256_fmsub_ps(d, scaled, _mm256_mul_ps(dmin, _mm256_cvtepi32_ps(s)));
      store_acc(c, t, h, _mm256_fmadd_ps(y, _mm256_set1_ps(c.x[t].d), load_acc(c, t, h)));
    }
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    alignas(32) std::byte v[256];  // scales, then minima
    unpack_six_bits<0>(c.block + L::scales, v);
    Sums<T> sums[2] = {};  // in memory: registers are for the 16-bit sums of one half
    TROIKA_KEEP_LOOP for (int i = 0; i < 8; i++) {
      const int p = i / 2, h = i % 2;
      fetch_part<L, T, 8>(c, i);
      const PairedScales scales(v + 32 * p + 16 * h);
      add_lines<Weights>(c.block + 32 * h, p, c.x, scales, sums[h]);
    }
    TROIKA_KEEP_LOOP for (int h = 0; h < 2; h++) finish<T>(c, h, v + 128, sums[h]);
  }
};

}  // namespace

void matmul_u4_affine(const MatmulArgs& args) noexcept {
  multiply<Affine<U4>>(args);
}
void matmul_u5_affine(const MatmulArgs& args) noexcept {
  multiply<Affine<U5>>(args);
}

}  // namespace troika::cpu::avx2
