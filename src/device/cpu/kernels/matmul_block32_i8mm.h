// The kernels of matmul_block32_dotprod.h where several tiles of tokens share a block: it is
// unpacked once to registers of 2 rows times 8 columns, which SMMLA multiplies with 2 tokens times
// 8 columns, twice the work of a dot product. For files *_i8mm.cc.
#pragma once

#include "device/cpu/kernels/matmul_block32_dotprod.h"
#include "device/cpu/kernels/matmul_tile_i8mm.h"

namespace troika::cpu::neon {
namespace {

/// Eight bits as they are stored, plus 128; USDOT and USMMLA multiply them unsigned.
struct U8 {
  using L = I8Layout;
  static int32_t start(const Block32& x) { return x.start_128; }

  TROIKA_INLINE static void lines(const std::byte* rows, int i, B& first, B& second) {
    first = as_signed(load(rows + 64 * i));
    second = as_signed(load(rows + 64 * i + 256));
  }
  template <int Lane>
  TROIKA_INLINE static Z add(Z sum, B weights, B q) {
    return vusdotq_laneq_s32(sum, vreinterpretq_u8_s8(weights), q, Lane);
  }
};

template <class Weights>
struct MatrixBlocks32 : Blocks32<Weights> {
  using L = typename Weights::L;
  using X = Block32;
  static constexpr bool kUnpacks = true;
  static constexpr int kUnpackedBlock = 512;

  /// To [block][8 columns][register of a line][its first and its last two rows].
  static void unpack(const Tile<X>& c, std::byte* out) {
    TROIKA_KEEP_LOOP for (int i = 0; i < 4 * c.blocks; i++) {
      const int r = i % 4;
      const std::byte* rows = c.block + i / 4 * L::bytes + 16 * r;
      std::byte* const to = out + i / 4 * kUnpackedBlock + 32 * r;
      B line[8];
      TROIKA_UNROLL for (int k = 0; k < 4; k++) Weights::lines(rows, k, line[k], line[k + 4]);
      TROIKA_UNROLL for (int k = 0; k < 8; k += 2) {
        store(to + 64 * k, zip_fours(line[k], line[k + 1]));
        store(to + 64 * k + 16, zip_high_fours(line[k], line[k + 1]));
      }
    }
  }

  /// Adds unpacked block b to acc, registers `first` and first + 1 of each line.
  template <int T>
  TROIKA_INLINE static void add(const Tile<X>& c, int b, int first, F (&acc)[2][T]) {
    constexpr int P = kPairs<T>;
    const X* x = c.x + b * c.x_step;
    B q[4][P];
    Z sum[2][2][P];
    TROIKA_UNROLL for (int p = 0; p < P; p++) {
      const X &even = x[2 * p], &odd = x[odd_token<T>(p)];
      pair_tokens(vld1q_s8(even.q), vld1q_s8(odd.q), q[0][p], q[1][p]);
      pair_tokens(vld1q_s8(even.q + 16), vld1q_s8(odd.q + 16), q[2][p], q[3][p]);
      const Z start = {Weights::start(even), Weights::start(odd), Weights::start(even),
                       Weights::start(odd)};
      TROIKA_UNROLL for (int r = 0; r < 2; r++) sum[r][0][p] = sum[r][1][p] = start;
    }
    const std::byte* weights = c.unpacked + b * kUnpackedBlock + 32 * first;
    TROIKA_UNROLL for (int k = 0; k < 4; k++) {
      TROIKA_UNROLL for (int i = 0; i < 4; i++) {
        const U w = load(weights + 128 * k + 16 * i);
        TROIKA_UNROLL for (int p = 0; p < P; p++) sum[i / 2][i % 2][p] =
            vusmmlaq_s32(sum[i / 2][i % 2][p], w, q[k][p]);
      }
    }
    TROIKA_UNROLL for (int r = 0; r < 2; r++) {
      const F d = load_half(c.head + b * L::head + 8 * (first + r));
      TROIKA_UNROLL for (int t = 0; t < T; t++) {
        const Z rows = rows_of<T>(t, sum[r][0], sum[r][1]);
        acc[r][t] = vfmaq_f32(acc[r][t], vmulq_n_f32(vcvtq_f32_s32(rows), x[t].d), d);
      }
    }
  }

  template <int T>
  TROIKA_INLINE static void run(const Tile<X>& c) {
    TROIKA_KEEP_LOOP for (int first = 0; first < 4; first += 2) {
      F acc[2][T];
      TROIKA_UNROLL for (int i = 0; i < 2 * T; i++) acc[i / T][i % T] =
          load_acc(c, i % T, first + i / T);
      TROIKA_KEEP_LOOP for (int b = 0; b < c.blocks; b++) {
        if (first == 0) fetch_block<T>(c, b);
        add<T>(c, b, first, acc);
      }
      TROIKA_UNROLL for (int i = 0; i < 2 * T; i++)
          store_acc(c, i % T, first + i / T, acc[i / T][i % T]);
    }
  }

  template <int T>
  static void tile(const Tile<X>& c) {
    if constexpr (T > 1) {
      if (c.unpacked != nullptr) return run<T>(c);
    }
    Blocks32<Weights>::template tile<T>(c);
  }

 private:
  template <int T>
  TROIKA_INLINE static void fetch_block(const Tile<X>& c, int b) {
    if (c.fetches(b)) fetch_weights<kFetched<L>>(c.fetch + b * kFetched<L>);
    fetch_inputs<T * sizeof(X)>(c.x + b * c.x_step + T);
  }
};

}  // namespace
}  // namespace troika::cpu::neon
