// Packs the formats of 256 columns: q4_k, q5_k, q6_k, q3_k, iq4_xs. Each has a function that reads
// the codes of four columns of a row at once; file formats: quant/<name>.cc.
#include "device/cpu/kernels/matmul_layouts.h"
#include "device/cpu/pack.h"
#include "device/cpu/pack_words.h"
#include "quant/iq4_table.h"
#include "quant/k_scales.h"

namespace troika::cpu {
namespace {

// Bytes of a block in the file, and where its parts begin.
struct Q4K {
  static constexpr int bytes = 144, scales = 4, codes = 16;
};
struct Q5K {
  static constexpr int bytes = 176, scales = 4, high = 16, codes = 48;
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

/// Nibbles 4 k .. of q4_k and q5_k, whose groups of 32 take turns in low and high nibbles.
uint32_t k_nibbles(const std::byte* codes, int k) {
  return load_word(codes + k / 64 * 32 + k % 32) >> k / 32 % 2 * 4 & 15 * kOnes;
}

/// The fifth bits of columns k .. k + 3.
uint32_t q5_k_fifth(const std::byte* block, int k) {
  return load_word(block + Q5K::high + k % 32) >> k / 32 & kOnes;
}

uint32_t q6_k_codes(const std::byte* block, int k) {
  const int half = k / 128, quarter = k % 128 / 32, lane = k % 32;
  const uint32_t low = load_word(block + Q6K::low + 64 * half + 32 * (quarter & 1) + lane);
  const uint32_t high = load_word(block + Q6K::high + 32 * half + lane);
  return (low >> 4 * (quarter >> 1) & 15 * kOnes) | (high >> 2 * quarter & 3 * kOnes) << 4;
}

uint32_t q3_k_low(const std::byte* block, int k) {
  return load_word(block + Q3K::low + k / 128 * 32 + k % 32) >> k % 128 / 32 * 2 & 3 * kOnes;
}

uint32_t q3_k_third(const std::byte* block, int k) {
  return load_word(block + Q3K::high + k % 32) >> k / 32 & kOnes;
}

int q3_k_scale(const std::byte* block, int group) {
  const std::byte* scales = block + Q3K::scales;
  const int low = load_byte(scales + group % 8) >> group / 8 * 4 & 15;
  return low | (load_byte(scales + 8 + group % 4) >> group / 4 * 2 & 3) << 4;
}

constexpr bool tables_agree() {
  for (int i = 0; i < 16; i++)
    if (quant::kIq4Values[i] != kTable[i] - kTableOffset) return false;
  return true;
}
static_assert(tables_agree());

/// Scale of sub-block j, already less 32.
int iq4_xs_scale(const std::byte* block, int j) {
  const int low = load_byte(block + Iq4Xs::scales_low + j / 2) >> j % 2 * 4 & 15;
  const int high = load_byte(block + Iq4Xs::scales_high + j / 4) >> j % 4 * 2 & 3;
  return (low | high << 4) - 32;
}

/// The part that q4_k and q5_k share: scales, minima, d and dmin.
template <class L>
void pack_affine_scales(const std::byte* const* source, std::byte* body) {
  uint8_t v[256];
  for (int r = 0; r < kStripRows; r++) {
    const auto* packed = reinterpret_cast<const uint8_t*>(source[r] + Q4K::scales);
    for (int j = 0; j < 8; j++) {
      const quant::ScaleMin scale = quant::k_scale_min(packed, j);
      v[j / 2 * 32 + r * 2 + j % 2] = static_cast<uint8_t>(scale.scale);
      v[128 + j / 2 * 32 + r * 2 + j % 2] = static_cast<uint8_t>(scale.min);
    }
    std::memcpy(body + L::d + 2 * r, source[r], 2);
    std::memcpy(body + L::dmin + 2 * r, source[r] + 2, 2);
  }
  store_six_bits(v, body + L::scales);
}

void pack_affine_nibbles(const std::byte* const* source, int codes, std::byte* body) {
  for (int l = 0; l < 8; l++)
    for (int k = 0; k < 256; k += 4) {
      const int p = k / 64, s = k / 32 % 2, i = k % 32 / 4;
      const uint32_t a = k_nibbles(source[lane_a(l)] + codes, k);
      const uint32_t b = k_nibbles(source[lane_b(l)] + codes, k);
      store_word(body + p * 512 + i * 64 + l * 8 + s * 4, a | b << 4);
    }
}

/// Calls `pack_one(source, head, body)` for each block, with source[r] that block of row r.
template <class L, class File, class PackOne>
void for_each_block(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body,
                    PackOne pack_one) {
  for (int64_t b = 0; b < blocks; b++) {
    const std::byte* source[kStripRows];
    for (int r = 0; r < kStripRows; r++) source[r] = rows[r] + b * File::bytes;
    pack_one(source, head + b * L::head, body + b * L::bytes);
  }
}

void pack_q5_k_fifth(const std::byte* const* source, std::byte* lines) {
  for (int l = 0; l < 8; l++)
    for (int p = 0; p < 4; p++)
      for (int s = 0; s < 2; s++) {
        uint32_t a = 0, b = 0;
        for (int i = 0; i < 8; i++) {
          a |= q5_k_fifth(source[lane_a(l)], p * 64 + s * 32 + i * 4) << i;
          b |= q5_k_fifth(source[lane_b(l)], p * 64 + s * 32 + i * 4) << i;
        }
        store_word(lines + p * 128 + l * 8 + s * 4, a);
        store_word(lines + p * 128 + 64 + l * 8 + s * 4, b);
      }
}

void pack_q6_k_codes(const std::byte* const* source, std::byte* body) {
  for (int l = 0; l < 8; l++)
    for (int k = 0; k < 256; k += 8) {
      const int p = k / 32, s = k / 16 % 2, c = k / 8 % 2;
      const uint32_t z[3] = {q6_k_codes(source[lane_a(l)], k), q6_k_codes(source[lane_b(l)], k),
                             q6_k_codes(source[lane_a(l)], k + 4)};
      const uint32_t top = q6_k_codes(source[lane_b(l)], k + 4);
      for (int i = 0; i < 3; i++)
        store_word(body + p * 384 + c * 192 + i * 64 + l * 8 + s * 4,
                   z[i] | (top >> 2 * i & 3 * kOnes) << 6);
    }
}

void pack_q3_k_codes(const std::byte* const* source, std::byte* body) {
  for (int l = 0; l < 8; l++)
    for (int p = 0; p < 8; p++)
      for (int s = 0; s < 2; s++) {
        uint32_t a = 0, b = 0, third = 0;
        for (int i = 0; i < 4; i++) {
          const int k = p * 32 + s * 16 + i * 4;
          a |= q3_k_low(source[lane_a(l)], k) << 2 * i;
          b |= q3_k_low(source[lane_b(l)], k) << 2 * i;
          third |= q3_k_third(source[lane_a(l)], k) << i;
          third |= q3_k_third(source[lane_b(l)], k) << (4 + i);
        }
        store_word(body + p * 128 + l * 8 + s * 4, a);
        store_word(body + p * 128 + 64 + l * 8 + s * 4, b);
        store_word(body + I3ScaledLayout::third + p * 64 + l * 8 + s * 4, third);
      }
}

}  // namespace

void pack_q4_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  for_each_block<U4AffineLayout, Q4K>(
      rows, blocks, head, body, [](const std::byte* const* source, std::byte*, std::byte* out) {
        pack_affine_nibbles(source, Q4K::codes, out);
        pack_affine_scales<U4AffineLayout>(source, out);
      });
}

void pack_q5_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  for_each_block<U5AffineLayout, Q5K>(
      rows, blocks, head, body, [](const std::byte* const* source, std::byte*, std::byte* out) {
        pack_affine_nibbles(source, Q5K::codes, out);
        pack_q5_k_fifth(source, out + U5AffineLayout::fifth);
        pack_affine_scales<U5AffineLayout>(source, out);
      });
}

void pack_q6_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  using L = I6ScaledLayout;
  for_each_block<L, Q6K>(rows, blocks, head, body,
                         [](const std::byte* const* source, std::byte* out_head, std::byte* out) {
                           pack_q6_k_codes(source, out);
                           for (int r = 0; r < kStripRows; r++) {
                             for (int j = 0; j < 16; j++)
                               out[L::scales + j / 2 * 32 + r * 2 + j % 2] =
                                   source[r][Q6K::scales + j];
                             std::memcpy(out_head + 2 * r, source[r] + Q6K::d, 2);
                           }
                         });
}

void pack_q3_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  using L = I3ScaledLayout;
  for_each_block<L, Q3K>(rows, blocks, head, body,
                         [](const std::byte* const* source, std::byte* out_head, std::byte* out) {
                           pack_q3_k_codes(source, out);
                           uint8_t v[256];
                           for (int r = 0; r < kStripRows; r++) {
                             for (int j = 0; j < 16; j++)
                               v[j / 2 * 32 + r * 2 + j % 2] =
                                   static_cast<uint8_t>(q3_k_scale(source[r], j));
                             std::memcpy(out_head + 2 * r, source[r] + Q3K::d, 2);
                           }
                           store_six_bits(v, out + L::scales);
                         });
}

void pack_iq4_xs(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  using L = I4TableLayout;
  for_each_block<L, Iq4Xs>(rows, blocks, head, body,
                           [](const std::byte* const* source, std::byte* out_head, std::byte* out) {
                             for (int r = 0; r < kStripRows; r++) {
                               // The nibbles of the file pair columns 16 apart, as the layout does.
                               for (int w = 0; w < 32; w++)
                                 store_word(out + w * 64 + r * 4,
                                            load_word(source[r] + Iq4Xs::codes + 4 * w));
                               for (int j = 0; j < 8; j++)
                                 out[L::scales + j / 2 * 32 + r * 2 + j % 2] =
                                     static_cast<std::byte>(iq4_xs_scale(source[r], j));
                               std::memcpy(out_head + 2 * r, source[r], 2);
                             }
                           });
}

}  // namespace troika::cpu
