// Four floats as one value, for the encoders: the compiler turns them into the vectors that every
// processor of the platform has, so that no file needs flags of its own.
#pragma once

#include <cstring>

namespace troika::quant {

using Float4 [[gnu::vector_size(16)]] = float;
inline constexpr int kLanes = 4;

/// The four floats at `source`, which needs no alignment.
inline Float4 load4(const float* source) {
  Float4 lanes;
  std::memcpy(&lanes, source, sizeof(lanes));
  return lanes;
}

/// Each lane moved into [`low`, `high`], which are whole numbers, then to the nearest whole number.
inline Float4 nearest4(Float4 x, Float4 low, Float4 high) {
  constexpr float kWhole = 12582912.0f;  // 1.5 * 2^23: a float this large has no fraction
  x = x < low ? low : x;
  x = x > high ? high : x;
  return (x + kWhole) - kWhole;
}

inline float sum4(Float4 x) {
  return (x[0] + x[1]) + (x[2] + x[3]);
}

}  // namespace troika::quant
