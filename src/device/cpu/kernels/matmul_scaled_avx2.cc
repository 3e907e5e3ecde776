// y = W x for weights with signed scales of 16 columns (q6_k, q3_k), AVX2, 1 to 4 tokens a tile.
// Lanes are 4 output rows times two sub-blocks, twice two halves; layouts:
// kernels/matmul_layouts.h. Weights are unsigned; their offset comes off at the end as offset times
// the sum of scale * sum q. Sums of 16 bits fit whatever the activations are: no wide path.
//   acc = fma(d * float(sum of scale * S), dx, acc)
#include "device/cpu/kernels/matmul_tile_avx2.h"

namespace troika::cpu::avx2 {
namespace {

/// 32-bit sums of scale * S by token, two sub-blocks apart.
template <int T>
struct Sums {
  Y a[T], b[T];
};

/// Minus the sum of q of each 16 columns.
struct MinusSums {
  alignas(32) int16_t words[16];

  TROIKA_INLINE explicit MinusSums(const Super16& x) {
    const Y low = _mm256_srai_epi32(load(x.start_32), 5);
    const Y high = _mm256_srai_epi32(load(x.start_32 + 8), 5);
    store(words, _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8));
  }
};

/// Six bits. Two lines add in 16 bits: 2 * 2 * 63 * 127 = 32004.
struct I6 {
  using L = I6ScaledLayout;
  static constexpr int kOffsetBits = 5;

  TROIKA_INLINE static const std::byte* scales(const std::byte* block, std::byte*) {
    return block + L::scales;
  }

  /// Columns 32 p + 8 c .. of both sub-blocks, from three lines; `at` is where their q is.
  template <int T>
  TROIKA_INLINE static void add_lines(const std::byte* lines, const Super16* x, int at,
                                      const PairedScales& scales, Sums<T>& sums) {
    const Y mask = _mm256_set1_epi8(63);
    const Y z0 = load(lines), z1 = load(lines + 64), z2 = load(lines + 128);
    const Y a0 = _mm256_and_si256(z0, mask), b0 = _mm256_and_si256(z1, mask);
    const Y a1 = _mm256_and_si256(z2, mask);
    const Y b1 =
        _mm256_or_si256(_mm256_srli_epi16(_mm256_andnot_si256(mask, z0), 6),
                        _mm256_or_si256(_mm256_srli_epi16(_mm256_andnot_si256(mask, z1), 4),
                                        _mm256_srli_epi16(_mm256_andnot_si256(mask, z2), 2)));
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      const Y q0 = broadcast8(x[t].q + at), q1 = broadcast8(x[t].q + at + 8);
      const Y a = add_bytes(_mm256_maddubs_epi16(a0, q0), a1, q1);
      const Y b = add_bytes(_mm256_maddubs_epi16(b0, q0), b1, q1);
      sums.a[t] = add_pairs(sums.a[t], a, scales.a);
      sums.b[t] = add_pairs(sums.b[t], b, scales.b);
    }
  }

  template <int T>
  TROIKA_INLINE static void products(const std::byte* block, int p, const Super16* x,
                                     const PairedScales& scales, Sums<T>& sums) {
    add_lines(block + 384 * p, x, 32 * p, scales, sums);
    add_lines(block + 384 * p + 192, x, 32 * p + 16, scales, sums);
  }
};

/// Three bits. The four lines of 16 columns add in 16 bits.
struct I3 {
  using L = I3ScaledLayout;
  static constexpr int kOffsetBits = 2;

  TROIKA_INLINE static const std::byte* scales(const std::byte* block, std::byte* v) {
    unpack_six_bits<32>(block + L::scales, v);
    return v;
  }

  /// Bit `Bit` of each byte as bit 2.
  template <int Bit>
  TROIKA_INLINE static Y third(Y line) {
    const Y moved = Bit <= 2 ? _mm256_slli_epi16(line, Bit <= 2 ? 2 - Bit : 0)
                             : _mm256_srli_epi16(line, Bit <= 2 ? 0 : Bit - 2);
    return _mm256_and_si256(moved, _mm256_set1_epi8(4));
  }

  template <int T, int I = 0>
  TROIKA_INLINE static void add_lines(Y low_a, Y low_b, Y top, const Super16* x, int at, Y* a,
                                      Y* b) {
    if constexpr (I < 4) {
      const Y two = _mm256_set1_epi8(3);
      const Y wa =
          _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(low_a, 2 * I), two), third<I>(top));
      const Y wb = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(low_b, 2 * I), two),
                                   third<I + 4>(top));
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        const Y q = broadcast8(x[t].q + at + 8 * I);
        a[t] = add_bytes(a[t], wa, q);
        b[t] = add_bytes(b[t], wb, q);
      }
      add_lines<T, I + 1>(low_a, low_b, top, x, at, a, b);
    }
  }

  template <int T>
  TROIKA_INLINE static void products(const std::byte* block, int p, const Super16* x,
                                     const PairedScales& scales, Sums<T>& sums) {
    Y a[T], b[T];
    TROIKA_UNROLL for (int t = 0; t < T; t++) a[t] = b[t] = _mm256_setzero_si256();
    add_lines<T>(load(block + 128 * p), load(block + 128 * p + 64), load(block + L::third + 64 * p),
                 x, 32 * p, a, b);
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      sums.a[t] = add_pairs(sums.a[t], a[t], scales.a);
      sums.b[t] = add_pairs(sums.b[t], b[t], scales.b);
    }
  }
};

template <class Weights>
struct Scaled {
  using L = typename Weights::L;
  using X = Super16;
  static constexpr int kStep = 1;
  static constexpr int kTileTokens = 4;

  /// d times (scaled sums - offset), times dx, into half h of the leaf.
  template <int T>
  TROIKA_INLINE static void finish(const Tile<X>& c, int h, const std::byte* scales,
                                   const Sums<T>& sums) {
    Y scale[8];
    TROIKA_UNROLL for (int p = 0; p < 8; p++) scale[p] = widen(scales + 32 * p + 16 * h);
    const F d = load_half(c.head + 16 * h);
    TROIKA_UNROLL for (int t = 0; t < T; t++) {
      const MinusSums minus(c.x[t]);
      Y offset = _mm256_setzero_si256();
      TROIKA_UNROLL for (int p = 0; p < 8; p++) offset =
          add_pairs(offset, scale[p], broadcast4(minus.words + 2 * p));
      const Y sum = _mm256_add_epi32(add_sub_blocks(sums.a[t], sums.b[t]),
                                     _mm256_slli_epi32(offset, Weights::kOffsetBits));
      const F y = _mm256_mul_ps(d, _mm256_cvtepi32_ps(sum));
      store_acc(c, t, h, _mm256_fmadd_ps(y, _mm256_set1_ps(c.x[t].d), load_acc(c, t, h)));
    }
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    alignas(32) std::byte v[256];
    const std::byte* scales = Weights::scales(c.block, v);
    Sums<T> sums[2] = {};  // in memory but for those of the half at hand
    TROIKA_KEEP_LOOP for (int i = 0; i < 16; i++) {
      const int p = i / 2, h = i % 2;
      fetch_part<L, T, 16>(c, i);
      const PairedScales pair(scales + 32 * p + 16 * h);
      Weights::products(c.block + 32 * h, p, c.x, pair, sums[h]);
    }
    TROIKA_KEEP_LOOP for (int h = 0; h < 2; h++) finish<T>(c, h, scales, sums[h]);
  }
};

}  // namespace

void matmul_i6_scaled(const MatmulArgs& args) noexcept {
  multiply<Scaled<I6>>(args);
}
void matmul_i3_scaled(const MatmulArgs& args) noexcept {
  multiply<Scaled<I3>>(args);
}

}  // namespace troika::cpu::avx2
