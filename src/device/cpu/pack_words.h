// Pieces that the packers share: words of four columns, and the lanes of kernels/matmul_layouts.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace troika::cpu {

inline constexpr uint32_t kOnes = 0x01010101;  // a one in each of four bytes

/// Rows a(l) and b(l) of paired lanes.
constexpr int lane_a(int l) {
  return l / 2 * 4 + l % 2;
}
constexpr int lane_b(int l) {
  return lane_a(l) + 2;
}

inline uint32_t load_word(const std::byte* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

inline void store_word(std::byte* p, uint32_t value) {
  std::memcpy(p, &value, sizeof value);
}

inline int load_byte(const std::byte* p) {
  return static_cast<int>(*p);
}

/// Writes values v[256] of six bits as six-bit lines (192 bytes).
inline void store_six_bits(const uint8_t* v, std::byte* lines) {
  for (int c = 0; c < 3; c++)
    for (int i = 0; i < 64; i++)
      lines[c * 64 + i] = static_cast<std::byte>(v[c * 64 + i] | (v[192 + i] >> 2 * c & 3) << 6);
}

}  // namespace troika::cpu
