// Pieces that the packers share: vectors of words, and the lanes of kernels/matmul_layouts.h. A
// word is four columns of a row. Packing is a transposition of words: a row's neighbouring words go
// to different lines, the words of neighbouring rows stand side by side. Sixteen bytes at a time
// are enough to keep up with memory, and every processor has them without asking.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "device/cpu/kernels/matmul.h"

namespace troika::cpu {

inline constexpr uint32_t kOnes = 0x01010101;  // a one in each of four bytes

/// Rows a(l) and b(l) of paired lanes.
constexpr int lane_a(int l) {
  return l / 2 * 4 + l % 2;
}
constexpr int lane_b(int l) {
  return lane_a(l) + 2;
}

/// Four words: neighbours in a row, or one of each of four rows.
using Words = uint32_t __attribute__((vector_size(16)));

inline uint32_t load_word(const std::byte* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

inline Words load_words(const std::byte* p) {
  Words value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

inline void store_words(std::byte* p, Words value) {
  std::memcpy(p, &value, sizeof value);
}

/// Words (0, 1) or (2, 3) of `even` and `odd` in turn.
inline Words interleave_low(Words even, Words odd) {
  return __builtin_shufflevector(even, odd, 0, 4, 1, 5);
}
inline Words interleave_high(Words even, Words odd) {
  return __builtin_shufflevector(even, odd, 2, 6, 3, 7);
}

/// Exchanges word j of rows[i] and word i of rows[j].
inline void transpose(Words (&rows)[4]) {
  const Words ab = interleave_low(rows[0], rows[1]), cd = interleave_low(rows[2], rows[3]);
  const Words ef = interleave_high(rows[0], rows[1]), gh = interleave_high(rows[2], rows[3]);
  rows[0] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  rows[1] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  rows[2] = __builtin_shufflevector(ef, gh, 0, 1, 4, 5);
  rows[3] = __builtin_shufflevector(ef, gh, 2, 3, 6, 7);
}

/// The lower, or the upper, 16 bits of each word of `a`, then of `b`.
inline Words low_halves(Words a, Words b) {
  using Halves = uint16_t __attribute__((vector_size(16)));
  return std::bit_cast<Words>(__builtin_shufflevector(
      std::bit_cast<Halves>(a), std::bit_cast<Halves>(b), 0, 2, 4, 6, 8, 10, 12, 14));
}
inline Words high_halves(Words a, Words b) {
  using Halves = uint16_t __attribute__((vector_size(16)));
  return std::bit_cast<Words>(__builtin_shufflevector(
      std::bit_cast<Halves>(a), std::bit_cast<Halves>(b), 1, 3, 5, 7, 9, 11, 13, 15));
}

/// Writes a word of each of eight rows as pairs of bytes: the lower ones to out, the upper ones to
/// out + 32, where the pairs of a strip's 16 rows end.
inline void store_pairs(Words rows_0_to_3, Words rows_4_to_7, std::byte* out) {
  store_words(out, low_halves(rows_0_to_3, rows_4_to_7));
  store_words(out + 2 * kStripRows, high_halves(rows_0_to_3, rows_4_to_7));
}

/// Calls `pack_one(source, head, body)` for each of `blocks` blocks of 16 rows, with source[r] that
/// block of row r; kFileBytes is a block's length in the file.
template <class Layout, int kFileBytes, class PackOne>
void for_each_block(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body,
                    PackOne pack_one) {
  for (int64_t b = 0; b < blocks; b++) {
    const std::byte* source[kStripRows];
    for (int r = 0; r < kStripRows; r++) source[r] = rows[r] + b * kFileBytes;
    pack_one(source, head + b * Layout::head, body + b * Layout::bytes);
  }
}

/// Copies the half at byte `at` of every row's block.
inline void pack_halves(const std::byte* const* source, int at, std::byte* out) {
  for (int r = 0; r < kStripRows; r++) std::memcpy(out + 2 * r, source[r] + at, 2);
}

/// Plain lanes: word i of row r, from byte `at` of source[r] on, goes to word r of line i. Bits of
/// `flip` are turned over in every word.
template <int kLines>
void pack_plain_lanes(const std::byte* const* source, int64_t at, std::byte* lines,
                      uint32_t flip = 0) {
  for (int i = 0; i < kLines; i += 4)
    for (int r = 0; r < kStripRows; r += 4) {
      Words words[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) words[j] = load_words(source[r + j] + at + 4 * i) ^ flip;
      transpose(words);
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) store_words(lines + (i + j) * 64 + r * 4, words[j]);
    }
}

/// Writes values v[256] of six bits as six-bit lines (192 bytes).
inline void store_six_bits(const std::byte* v, std::byte* lines) {
  for (int c = 0; c < 3; c++)
#pragma GCC unroll 4
    for (int i = 0; i < 64; i += 16) {
      const Words top = load_words(v + 192 + i) >> 2 * c & 3 * kOnes;
      store_words(lines + c * 64 + i, load_words(v + c * 64 + i) | top << 6);
    }
}

}  // namespace troika::cpu
