// Packs the formats of 256 columns: q4_k, q5_k, q6_k, q3_k, iq4_xs. Bits move within words first,
// then the words of several rows are transposed (pack_words.h); file formats: quant/<name>.cc.
#include "device/cpu/kernels/matmul_layouts.h"
#include "device/cpu/pack.h"
#include "device/cpu/pack_words.h"
#include "quant/iq4_table.h"

namespace troika::cpu {
namespace {

// Bytes of a block in the file, and where its parts begin.
struct Q4K {
  static constexpr int bytes = 144, codes = 16;
};
struct Q5K {
  static constexpr int bytes = 176, high = 16, codes = 48;
};
struct Q6K {
  static constexpr int bytes = 210, low = 0, high = 128, scales = 192, d = 208;
};
struct Q3K {
  static constexpr int bytes = 110, high = 0, low = 32, scales = 96, d = 108;
};
struct Iq4Xs {
  static constexpr int bytes = 136, scales_high = 2, scales_low = 4, codes = 8;
};

constexpr uint32_t kNibble = 15 * kOnes;
constexpr uint32_t kTwoBits = 3 * kOnes;

/// The part that q4_k and q5_k share: d, dmin and the 12 bytes of quant/k_scales.h are the first
/// four words of a block.
template <class L>
void pack_affine_scales(const std::byte* const* source, std::byte* body) {
  constexpr uint32_t kSixBits = 63 * kOnes;
  std::byte v[256];
  for (int r = 0; r < kStripRows; r += 8) {
    Words six[2][4];  // of four rows each: scales 0-3, scales 4-7, minima 0-3, minima 4-7
    Words d[2];
#pragma GCC unroll 2
    for (int q = 0; q < 2; q++) {
      Words words[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) words[i] = load_words(source[r + 4 * q + i]);
      transpose(words);
      d[q] = words[0];
      six[q][0] = words[1] & kSixBits;
      six[q][1] = (words[3] & kNibble) | (words[1] >> 6 & kTwoBits) << 4;
      six[q][2] = words[2] & kSixBits;
      six[q][3] = (words[3] >> 4 & kNibble) | (words[2] >> 6 & kTwoBits) << 4;
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) store_pairs(six[0][i], six[1][i], v + 64 * i + 2 * r);
    static_assert(L::dmin == L::d + 2 * kStripRows);
    store_pairs(d[0], d[1], body + L::d + 2 * r);
  }
  store_six_bits(v, body + L::scales);
}

/// Groups of 32 columns take turns in low and high nibbles; the layout wants two rows in a byte.
void pack_affine_nibbles(const std::byte* const* source, int codes, std::byte* body) {
  for (int p = 0; p < 4; p++)
    for (int l = 0; l < 8; l += 2)
      for (int i = 0; i < 8; i += 4) {
        Words words[4];  // lane l even, odd; lane l + 1 even, odd
#pragma GCC unroll 2
        for (int t = 0; t < 2; t++) {
          const Words a = load_words(source[lane_a(l + t)] + codes + 32 * p + 4 * i);
          const Words b = load_words(source[lane_b(l + t)] + codes + 32 * p + 4 * i);
          words[2 * t] = (a & kNibble) | (b & kNibble) << 4;
          words[2 * t + 1] = (a >> 4 & kNibble) | (b & kNibble << 4);
        }
        transpose(words);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) store_words(body + p * 512 + (i + j) * 64 + l * 8, words[j]);
      }
}

/// Words i .. i + 3 from byte `at` on, of lanes l .. l + 3: words[j] is word i + j of each.
void load_lanes(const std::byte* const* source, int at, int l, bool is_b, Words (&words)[4]) {
#pragma GCC unroll 4
  for (int t = 0; t < 4; t++)
    words[t] = load_words(source[is_b ? lane_b(l + t) : lane_a(l + t)] + at);
  transpose(words);
}

/// Bits `from` .. of each byte of words[0], words[1] ..., `mask` wide, side by side.
Words gather_bits(const Words (&words)[4], int from, uint32_t mask, int width) {
  Words bits = words[0] >> from & mask;
#pragma GCC unroll 3
  for (int i = 1; i < 4; i++) bits |= (words[i] >> from & mask) << i * width;
  return bits;
}

/// Lanes l .. l + 3 of a line of paired lanes.
void store_lanes(Words even, Words odd, std::byte* line, int l) {
  store_words(line + l * 8, interleave_low(even, odd));
  store_words(line + l * 8 + 16, interleave_high(even, odd));
}

void pack_q5_k_fifth(const std::byte* const* source, std::byte* lines) {
  for (int half = 0; half < 2; half++)
    for (int l = 0; l < 8; l += 4) {
      Words words[2][4];
      load_lanes(source, Q5K::high, l, half == 1, words[0]);
      load_lanes(source, Q5K::high + 16, l, half == 1, words[1]);
      const auto fifth = [&](int group) {
        return gather_bits(words[0], group, kOnes, 1) | gather_bits(words[1], group, kOnes, 1) << 4;
      };
      for (int p = 0; p < 4; p++)
        store_lanes(fifth(2 * p), fifth(2 * p + 1), lines + p * 128 + half * 64, l);
    }
}

/// Columns 32 p + 16 s .. of a row.
inline Words q6_k_codes(const std::byte* block, int p, int s) {
  const int half = p / 4, quarter = p % 4;
  const Words low = load_words(block + Q6K::low + 64 * half + 32 * (quarter & 1) + 16 * s);
  const Words high = load_words(block + Q6K::high + 32 * half + 16 * s);
  return (low >> 4 * (quarter >> 1) & kNibble) | (high >> 2 * quarter & kTwoBits) << 4;
}

void pack_q6_k_codes(const std::byte* const* source, std::byte* body) {
  // Words 1 and 3 of b are spread over the top bits of words 0, 1 of a and 0 of b, and 2, 3 and 2.
  constexpr Words kFirst = {kTwoBits, 0, kTwoBits, 0};
  constexpr Words kThird = {0, kTwoBits << 4, 0, kTwoBits << 4};
  for (int p = 0; p < 8; p++)
    for (int l = 0; l < 8; l += 2) {
      Words of_a[4], of_b[4];  // lane l even, odd; lane l + 1 even, odd
#pragma GCC unroll 4
      for (int t = 0; t < 4; t++) {
        const Words a = q6_k_codes(source[lane_a(l + t / 2)], p, t % 2);
        const Words b = q6_k_codes(source[lane_b(l + t / 2)], p, t % 2);
        const Words top = __builtin_shufflevector(b, b, 1, 1, 3, 3);
        of_a[t] = a | (top & kFirst) << 6 | (top & kThird) << 2;
        of_b[t] = b | (top & kTwoBits << 2) << 4;
      }
      transpose(of_a);
      transpose(of_b);
      std::byte* line = body + p * 384 + l * 8;
      const Words in_order[6] = {of_a[0], of_b[0], of_a[1], of_a[2], of_b[2], of_a[3]};
#pragma GCC unroll 6
      for (int i = 0; i < 6; i++) store_words(line + i * 64, in_order[i]);
    }
}

/// Sixteen scales of a byte each.
void pack_q6_k_scales(const std::byte* const* source, std::byte* out) {
  for (int r = 0; r < kStripRows; r += 8) {
    Words words[2][4];
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) words[j / 4][j % 4] = load_words(source[r + j] + Q6K::scales);
    transpose(words[0]);
    transpose(words[1]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) store_pairs(words[0][i], words[1][i], out + 64 * i + 2 * r);
  }
}

void pack_q3_k_codes(const std::byte* const* source, std::byte* body) {
  for (int l = 0; l < 8; l += 4) {
    Words third[2][2][4];  // of a and b, by half of the 32 bytes
    for (int i = 0; i < 4; i++)
      load_lanes(source, Q3K::high + i % 2 * 16, l, i >= 2, third[i / 2][i % 2]);
    for (int p = 0; p < 8; p++) {
      Words thirds[2];
#pragma GCC unroll 2
      for (int s = 0; s < 2; s++)
        thirds[s] = gather_bits(third[0][s], p, kOnes, 1) | gather_bits(third[1][s], p, kOnes, 1)
                                                                << 4;
      store_lanes(thirds[0], thirds[1], body + I3ScaledLayout::third + p * 64, l);
      for (int half = 0; half < 2; half++) {
        Words low[2][4];
#pragma GCC unroll 2
        for (int s = 0; s < 2; s++)
          load_lanes(source, Q3K::low + p / 4 * 32 + s * 16, l, half == 1, low[s]);
        store_lanes(gather_bits(low[0], p % 4 * 2, kTwoBits, 2),
                    gather_bits(low[1], p % 4 * 2, kTwoBits, 2), body + p * 128 + half * 64, l);
      }
    }
  }
}

/// Word i of the sixteen scales of a block, six bits each.
uint32_t q3_k_scales(const std::byte* block, int i) {
  const uint32_t low = load_word(block + Q3K::scales + i % 2 * 4) >> i / 2 * 4 & kNibble;
  return low | (load_word(block + Q3K::scales + 8) >> i * 2 & kTwoBits) << 4;
}

void pack_q3_k_scales(const std::byte* const* source, std::byte* out) {
  std::byte v[256];
  for (int r = 0; r < kStripRows; r += 8)
    for (int i = 0; i < 4; i++) {
      Words words[2];
#pragma GCC unroll 8
      for (int j = 0; j < 8; j++) words[j / 4][j % 4] = q3_k_scales(source[r + j], i);
      store_pairs(words[0], words[1], v + 64 * i + 2 * r);
    }
  store_six_bits(v, out);
}

constexpr bool tables_agree() {
  for (int i = 0; i < 16; i++)
    if (quant::kIq4Values[i] != kTable[i] - kTableOffset) return false;
  return true;
}
static_assert(tables_agree());

/// Scale of sub-block j, already less 32.
inline int iq4_xs_scale(const std::byte* block, int j) {
  const int low = static_cast<int>(block[Iq4Xs::scales_low + j / 2]) >> j % 2 * 4 & 15;
  const int high = static_cast<int>(block[Iq4Xs::scales_high + j / 4]) >> j % 4 * 2 & 3;
  return (low | high << 4) - 32;
}

}  // namespace

void pack_q4_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  for_each_block<U4AffineLayout, Q4K::bytes>(
      rows, blocks, head, body, [](const std::byte* const* source, std::byte*, std::byte* out) {
        pack_affine_nibbles(source, Q4K::codes, out);
        pack_affine_scales<U4AffineLayout>(source, out);
      });
}

void pack_q5_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  for_each_block<U5AffineLayout, Q5K::bytes>(
      rows, blocks, head, body, [](const std::byte* const* source, std::byte*, std::byte* out) {
        pack_affine_nibbles(source, Q5K::codes, out);
        pack_q5_k_fifth(source, out + U5AffineLayout::fifth);
        pack_affine_scales<U5AffineLayout>(source, out);
      });
}

void pack_q6_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  for_each_block<I6ScaledLayout, Q6K::bytes>(
      rows, blocks, head, body,
      [](const std::byte* const* source, std::byte* out_head, std::byte* out) {
        pack_q6_k_codes(source, out);
        pack_q6_k_scales(source, out + I6ScaledLayout::scales);
        pack_halves(source, Q6K::d, out_head);
      });
}

void pack_q3_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  for_each_block<I3ScaledLayout, Q3K::bytes>(
      rows, blocks, head, body,
      [](const std::byte* const* source, std::byte* out_head, std::byte* out) {
        pack_q3_k_codes(source, out);
        pack_q3_k_scales(source, out + I3ScaledLayout::scales);
        pack_halves(source, Q3K::d, out_head);
      });
}

void pack_iq4_xs(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  using L = I4TableLayout;
  for_each_block<L, Iq4Xs::bytes>(
      rows, blocks, head, body,
      [](const std::byte* const* source, std::byte* out_head, std::byte* out) {
        // The nibbles of the file pair columns 16 apart, as the layout does.
        pack_plain_lanes<32>(source, Iq4Xs::codes, out);
        for (int r = 0; r < kStripRows; r++)
#pragma GCC unroll 8
          for (int j = 0; j < 8; j++)
            out[L::scales + j / 2 * 32 + r * 2 + j % 2] =
                static_cast<std::byte>(iq4_xs_scale(source[r], j));
        pack_halves(source, 0, out_head);
      });
}

}  // namespace troika::cpu
