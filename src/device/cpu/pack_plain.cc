// Packs the formats whose layouts have plain lanes and blocks of at most 32 columns: floats, q4_0,
// q8_0. File formats: quant/q4_0.cc, quant/q8_0.cc.
#include "device/cpu/kernels/matmul_layouts.h"
#include "device/cpu/pack.h"
#include "device/cpu/pack_words.h"

namespace troika::cpu {
namespace {

/// Columns of `Bytes` each; `pack_four_words` does as many at a time as four words hold.
template <int Bytes, class PackFourWords>
void pack_columns(const std::byte* const* rows, int64_t columns, std::byte* body,
                  PackFourWords pack_four_words) {
  constexpr int64_t kAtOnce = 16 / Bytes;
  int64_t k = 0;
  for (; k + kAtOnce <= columns; k += kAtOnce)
    pack_four_words(k * Bytes, body + k * kStripRows * Bytes);
  for (; k < columns; k++)
    for (int r = 0; r < kStripRows; r++)
      std::memcpy(body + (k * kStripRows + r) * Bytes, rows[r] + k * Bytes, Bytes);
}

/// Eight columns of 16 bits: words of two columns are transposed, then parted.
void pack_eight_columns(const std::byte* const* rows, int64_t at, std::byte* body) {
  for (int r = 0; r < kStripRows; r += 8) {
    Words words[2][4];
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) words[j / 4][j % 4] = load_words(rows[r + j] + at);
    transpose(words[0]);
    transpose(words[1]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) store_pairs(words[0][i], words[1][i], body + i * 64 + r * 2);
  }
}

}  // namespace

void pack_f32(const std::byte* const* rows, int64_t blocks, std::byte*, std::byte* body) {
  pack_columns<4>(rows, blocks, body,
                  [&](int64_t at, std::byte* out) { pack_plain_lanes<4>(rows, at, out); });
}

void pack_float16(const std::byte* const* rows, int64_t blocks, std::byte*, std::byte* body) {
  pack_columns<2>(rows, blocks, body,
                  [&](int64_t at, std::byte* out) { pack_eight_columns(rows, at, out); });
}

void pack_q4_0(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  constexpr int kFileBytes = 18;  // f16 d, then column c and c + 16 in nibbles of byte c
  for_each_block<U4Layout, kFileBytes>(
      rows, blocks, head, body,
      [](const std::byte* const* source, std::byte* out_head, std::byte* out) {
        pack_halves(source, 0, out_head);
        // The nibbles of the file pair columns 16 apart, as the layout does.
        pack_plain_lanes<4>(source, 2, out);
      });
}

void pack_q8_0(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  constexpr int kFileBytes = 34;  // f16 d, int8[32]
  for_each_block<I8Layout, kFileBytes>(
      rows, blocks, head, body,
      [](const std::byte* const* source, std::byte* out_head, std::byte* out) {
        pack_halves(source, 0, out_head);
        pack_plain_lanes<8>(source, 2, out, 128 * kOnes);
      });
}

}  // namespace troika::cpu
