// Where everything lies in a block of each layout. Constants only: files with extra instruction
// flags include this.
//
// Row r is 0 .. 15 of the strip, k a column of the block, all lines of 64 bytes. "Four" are columns
// k .. k + 3 of a row: what one lane multiplies in one instruction.
//
// Plain lanes: byte 4 r + e of a line is column e of row r.
// Paired lanes: a line holds 8 rows times two neighbouring sub-blocks; byte 8 l + 4 s + e is column
// e of sub-block s (0 even, 1 odd) of lane l. Lines come in two halves, a and b: lane l is row
//     a(l) = 4 (l / 2) + l % 2,    b(l) = a(l) + 2,
// so that packing the 32-bit sums of both halves to 16 bits, 128 bits at a time, yields pairs
// [row r][sub-block s] with rows in order, and one 16-bit dot product applies two scales.
//
// Six-bit lines: 192 bytes for values v[256] of six bits. Byte i of line c (0 .. 2) holds v[64 c +
// i] in its low six bits; the top two bits of byte i of lines 0, 1, 2 are bits 0-1, 2-3, 4-5 of
// v[192 + i].
#pragma once

#include "device/cpu/kernels/matmul.h"

namespace troika::cpu {

/// One column a block: a float a row.
struct F32Layout {
  static constexpr int columns = 1, head = 0, bytes = 64;
};

/// One column a block: 16 bits a row, a half or a bfloat16.
struct Float16Layout {
  static constexpr int columns = 1, head = 0, bytes = 32;
};

/// k = 4 i + e, plain lanes: line i % 4, low nibble for i < 4, high above. Head: f16 d[16].
/// y = d (q - 8)
struct U4Layout {
  static constexpr int columns = 32, head = 32, bytes = 256;
  using X = Block32;
};

/// k = 4 i + e, plain lanes: line i holds weight ^ 0x80 (weight + 128). Head: f16 d[16].
struct I8Layout {
  static constexpr int columns = 32, head = 32, bytes = 512;
  using X = Block32;
};

/// k = 64 p + 32 s + 4 i + e, paired lanes: line 8 p + i, a in the low nibble, b in the high one.
/// Then six-bit lines: v[32 p + 2 r + s] scale and v[128 + 32 p + 2 r + s] minimum of sub-block
/// 2 p + s; f16 d[16]; f16 dmin[16].  y = d scale q - dmin minimum
struct U4AffineLayout {
  static constexpr int columns = 256, head = 0, bytes = 2304;
  static constexpr int scales = 2048, d = 2240, dmin = 2272;
  using X = Super32;
};

/// As U4Affine, with the fifth bits in between: of line 8 p + i, bit i of line 2 p for a and of
/// line 2 p + 1 for b.
struct U5AffineLayout {
  static constexpr int columns = 256, head = 0, bytes = 2816;
  static constexpr int fifth = 2048, scales = 2560, d = 2752, dmin = 2784;
  using X = Super32;
};

/// k = 32 p + 16 s + 8 c + 4 h + e, paired lanes. Three lines 6 p + 3 c + z; low six bits: z = 0 a,
/// h = 0; z = 1 b, h = 0; z = 2 a, h = 1. Top two bits of line z: bits 2 z, 2 z + 1 of b, h = 1.
/// Then int8 scale[32 p + 2 r + s]. Head: f16 d[16].  y = d scale (q - 32)
struct I6ScaledLayout {
  static constexpr int columns = 256, head = 32, bytes = 3328;
  static constexpr int scales = 3072;
  using X = Super16;
};

/// k = 32 p + 16 s + 4 i + e, paired lanes. Low two bits: bits 2 i, 2 i + 1 of line 2 p (a) and
/// 2 p + 1 (b). Third bit: bit i (a) and 4 + i (b) of line 16 + p. Then six-bit lines: scale + 32
/// at v[32 p + 2 r + s]. Head: f16 d[16].  y = d scale (q - 4)
struct I3ScaledLayout {
  static constexpr int columns = 256, head = 32, bytes = 1728;
  static constexpr int third = 1024, scales = 1536;
  using X = Super16;
};

/// The table of I4Table plus kTableOffset, so that entries are unsigned.
inline constexpr int kTableOffset = 128;
alignas(16) inline constexpr uint8_t kTable[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                                   129, 141, 153, 166, 181, 197, 217, 241};

/// k = 32 j + 4 i + e, plain lanes: line 4 j + i % 4, low nibble for i < 4, high above: indices
/// into the table. Then int8 scale[32 p + 2 r + s] of sub-block j = 2 p + s. Head: f16 d[16]. y = d
/// scale table[q]
struct I4TableLayout {
  static constexpr int columns = 256, head = 32, bytes = 2176;
  static constexpr int scales = 2048;
  using X = Super32;
};

}  // namespace troika::cpu
