// The eight six-bit scales and mins that q4_k and q5_k pack into 12 bytes:
// bytes 0..3 and 4..7 hold scale and min of groups 0..3 in their low six bits, bytes 8..11 the low
// four bits of scale (low nibble) and min (high nibble) of groups 4..7, whose upper two bits top
// bytes 0..3 and 4..7.
#pragma once

#include <cstdint>

namespace troika::quant {

struct ScaleMin {
  int scale;  // 0..63
  int min;    // 0..63
};

/// Scale and min of group `g` (0..7) of the 12 bytes at `packed`.
inline ScaleMin k_scale_min(const uint8_t* packed, int g) {
  if (g < 4) return {packed[g] & 63, packed[g + 4] & 63};
  return {(packed[g + 4] & 15) | packed[g - 4] >> 6 << 4, packed[g + 4] >> 4 | packed[g] >> 6 << 4};
}

/// Puts scale and min of group `g` into the 12 bytes at `packed`, which were zero before.
inline void pack_k_scale_min(uint8_t* packed, int g, ScaleMin six) {
  const auto byte = [](int bits) { return static_cast<uint8_t>(bits); };
  if (g < 4) {
    packed[g] |= byte(six.scale);
    packed[g + 4] |= byte(six.min);
    return;
  }
  packed[g + 4] = byte((six.scale & 15) | (six.min & 15) << 4);
  packed[g - 4] |= byte(six.scale >> 4 << 6);
  packed[g] |= byte(six.min >> 4 << 6);
}

}  // namespace troika::quant
