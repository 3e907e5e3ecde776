// Reads the layouts of kernels/matmul_layouts.h, four columns of a row at a time.
#include "device/cpu/kernels/matmul_unpack.h"

#include <cstring>

#include "core/half.h"
#include "device/cpu/kernels/matmul_layouts.h"

namespace troika::cpu {
namespace {

constexpr uint32_t kOnes = 0x01010101;

uint32_t word(const std::byte* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

uint8_t byte(const std::byte* p) {
  return static_cast<uint8_t>(*p);
}

float half(const std::byte* p) {
  uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return f16_to_f32(bits);
}

/// Codes of a block, four at a time; a byte each.
template <int Columns>
struct Codes {
  uint8_t bytes[Columns];

  void set(int k, uint32_t four) { std::memcpy(bytes + k, &four, sizeof four); }

  /// values = codes - offset.
  void store(int offset, int16_t* values) const {
    for (int k = 0; k < Columns; k++) values[k] = static_cast<int16_t>(bytes[k] - offset);
  }
};

/// Value `index` of six-bit lines.
int six_bits(const std::byte* lines, int index) {
  if (index < 192) return byte(lines + index) & 63;
  const int i = index - 192;
  return byte(lines + i) >> 6 | byte(lines + 64 + i) >> 6 << 2 | byte(lines + 128 + i) >> 6 << 4;
}

/// Where a row is in paired lanes: its half, and the offset of its lane in a line.
struct Lane {
  explicit Lane(int row) : b(row >> 1 & 1), offset(8 * (row / 4 * 2 + row % 2)) {}
  int b;
  int offset;
};

template <class L>
void unpack_affine_scales(const std::byte* block, int row, RowBlock& out) {
  for (int j = 0; j < 8; j++) {
    const int index = j / 2 * 32 + row * 2 + j % 2;
    out.scales[j] = static_cast<int16_t>(six_bits(block + L::scales, index));
    out.mins[j] = static_cast<int16_t>(six_bits(block + L::scales, 128 + index));
  }
  out.d = half(block + L::d + 2 * row);
  out.dmin = half(block + L::dmin + 2 * row);
}

}  // namespace

void unpack_u4_32(const std::byte* head, const std::byte* block, int row, RowBlock& out) {
  Codes<32> codes;
  for (int i = 0; i < 8; i++)
    codes.set(4 * i, word(block + i % 4 * 64 + row * 4) >> i / 4 * 4 & 15 * kOnes);
  codes.store(8, out.values);
  out.d = half(head + 2 * row);
}

void unpack_i8_32(const std::byte* head, const std::byte* block, int row, RowBlock& out) {
  Codes<32> codes;
  for (int i = 0; i < 8; i++) codes.set(4 * i, word(block + i * 64 + row * 4));
  codes.store(128, out.values);
  out.d = half(head + 2 * row);
}

void unpack_u4_affine(const std::byte*, const std::byte* block, int row, RowBlock& out) {
  using L = U4AffineLayout;
  const Lane lane(row);
  Codes<256> codes;
  for (int p = 0; p < 4; p++)
    for (int s = 0; s < 2; s++)
      for (int i = 0; i < 8; i++) {
        const uint32_t pair = word(block + p * 512 + i * 64 + lane.offset + s * 4);
        codes.set(p * 64 + s * 32 + i * 4, pair >> 4 * lane.b & 15 * kOnes);
      }
  codes.store(0, out.values);
  unpack_affine_scales<L>(block, row, out);
}

void unpack_u5_affine(const std::byte*, const std::byte* block, int row, RowBlock& out) {
  using L = U5AffineLayout;
  const Lane lane(row);
  Codes<256> codes;
  for (int p = 0; p < 4; p++)
    for (int s = 0; s < 2; s++) {
      const int offset = lane.offset + s * 4;
      const uint32_t fifth = word(block + L::fifth + p * 128 + lane.b * 64 + offset);
      for (int i = 0; i < 8; i++) {
        const uint32_t low = word(block + p * 512 + i * 64 + offset) >> 4 * lane.b & 15 * kOnes;
        codes.set(p * 64 + s * 32 + i * 4, low | (fifth >> i & kOnes) << 4);
      }
    }
  codes.store(0, out.values);
  unpack_affine_scales<L>(block, row, out);
}

void unpack_i6_scaled(const std::byte* head, const std::byte* block, int row, RowBlock& out) {
  using L = I6ScaledLayout;
  const Lane lane(row);
  Codes<256> codes;
  for (int p = 0; p < 8; p++)
    for (int s = 0; s < 2; s++)
      for (int c = 0; c < 2; c++) {
        const std::byte* line = block + p * 384 + c * 192 + lane.offset + s * 4;
        const uint32_t z0 = word(line), z1 = word(line + 64), z2 = word(line + 128);
        const uint32_t top =
            (z0 >> 6 & 3 * kOnes) | (z1 >> 6 & 3 * kOnes) << 2 | (z2 >> 6 & 3 * kOnes) << 4;
        const int k = p * 32 + s * 16 + c * 8;
        codes.set(k, (lane.b ? z1 : z0) & 63 * kOnes);
        codes.set(k + 4, lane.b ? top : z2 & 63 * kOnes);
      }
  codes.store(32, out.values);
  for (int j = 0; j < 16; j++)
    out.scales[j] = static_cast<int8_t>(byte(block + L::scales + j / 2 * 32 + row * 2 + j % 2));
  out.d = half(head + 2 * row);
}

void unpack_i3_scaled(const std::byte* head, const std::byte* block, int row, RowBlock& out) {
  using L = I3ScaledLayout;
  const Lane lane(row);
  Codes<256> codes;
  for (int p = 0; p < 8; p++)
    for (int s = 0; s < 2; s++) {
      const int offset = lane.offset + s * 4;
      const uint32_t low = word(block + p * 128 + lane.b * 64 + offset);
      const uint32_t third = word(block + L::third + p * 64 + offset) >> 4 * lane.b;
      for (int i = 0; i < 4; i++)
        codes.set(p * 32 + s * 16 + i * 4, (low >> 2 * i & 3 * kOnes) | (third >> i & kOnes) << 2);
    }
  codes.store(4, out.values);
  for (int j = 0; j < 16; j++)
    out.scales[j] =
        static_cast<int16_t>(six_bits(block + L::scales, j / 2 * 32 + row * 2 + j % 2) - 32);
  out.d = half(head + 2 * row);
}

void unpack_i4_table(const std::byte* head, const std::byte* block, int row, RowBlock& out) {
  using L = I4TableLayout;
  for (int j = 0; j < 8; j++) {
    for (int i = 0; i < 8; i++) {
      const uint32_t codes = word(block + j * 256 + i % 4 * 64 + row * 4) >> i / 4 * 4;
      for (int e = 0; e < 4; e++)
        out.values[j * 32 + i * 4 + e] = kTable[codes >> 8 * e & 15] - kTableOffset;
    }
    out.scales[j] = static_cast<int8_t>(byte(block + L::scales + j / 2 * 32 + row * 2 + j % 2));
  }
  out.d = half(head + 2 * row);
}

}  // namespace troika::cpu
