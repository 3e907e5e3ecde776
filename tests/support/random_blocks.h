// Random weights in any supported file format, with scales that keep values of ordinary size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "core/dtype.h"
#include "core/half.h"

namespace troika::testing {

/// Where a block keeps its half-precision scales; all other bytes of a block may be anything.
inline std::vector<int> scale_offsets(DType dtype) {
  switch (dtype) {
    case DType::q4_k:
    case DType::q5_k:
      return {0, 2};
    case DType::q6_k:
      return {208};
    case DType::q3_k:
      return {108};
    default:
      return {0};
  }
}

/// `elements` values of `dtype` as a file holds them: random bits, scales between about 2^-9 and
/// 2^-7 of either sign. Floats are normal with deviation 1/16.
inline std::vector<std::byte> random_blocks(DType dtype, int64_t elements, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 1.0f / 16);
  std::vector<std::byte> data(static_cast<size_t>(dtype_bytes(dtype, elements)));
  const DTypeInfo& type = dtype_info(dtype);
  if (type.block == 1) {
    for (int64_t i = 0; i < elements; i++) {
      const float value = normal(random);
      const uint16_t bits = dtype == DType::f16 ? f32_to_f16(value) : f32_to_bf16(value);
      if (dtype == DType::f32)
        std::memcpy(&data[i * 4], &value, 4);
      else
        std::memcpy(&data[i * 2], &bits, 2);
    }
    return data;
  }
  for (std::byte& byte : data) byte = static_cast<std::byte>(random() & 255);
  for (int64_t b = 0; b < elements / type.block; b++)
    for (int offset : scale_offsets(dtype)) {
      const auto half = static_cast<uint16_t>(0x1800 + random() % 0x800 + (random() & 1) * 0x8000);
      std::memcpy(&data[b * type.bytes + offset], &half, 2);
    }
  return data;
}

/// `count` floats, normal with deviation 1.
inline std::vector<float> random_floats(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

}  // namespace troika::testing
