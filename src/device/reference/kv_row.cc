#include "device/reference/kv_row.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/check.h"
#include "core/half.h"

namespace troika::reference {
namespace {

constexpr int64_t kBlock = 32;
constexpr int64_t kBlockBytes = 34;

template <typename T>
void put(std::byte* row, int64_t i, T value) {
  std::memcpy(row + i * int64_t{sizeof(T)}, &value, sizeof(T));
}

template <typename T>
T get(const std::byte* row, int64_t i) {
  T value;
  std::memcpy(&value, row + i * int64_t{sizeof(T)}, sizeof(T));
  return value;
}

/// 32 numbers as q8_0: every operation in float32, so that all devices store the same bits.
void store_block(const double* from, std::byte* block) {
  float amax = 0;
  bool finite = true;
  for (int64_t i = 0; i < kBlock; i++) {
    const auto x = static_cast<float>(from[i]);
    amax = std::max(amax, std::abs(x));
    finite = finite && std::isfinite(x);
  }
  const uint16_t stored = f32_to_f16(finite ? amax / 127 : NAN);
  put(block, 0, stored);
  const float d = f16_to_f32(stored);
  const float inverse = d > 0 ? 1 / d : 0;
  for (int64_t i = 0; i < kBlock; i++) {
    const float q = finite ? std::nearbyint(static_cast<float>(from[i]) * inverse) : 0;
    put(block + sizeof(stored), i, static_cast<int8_t>(std::clamp(q, -127.0F, 127.0F)));
  }
}

}  // namespace

void store_kv_row(DType dtype, const double* from, int64_t count, std::byte* row) {
  if (dtype == DType::q8_0) {
    for (int64_t i = 0; i < count; i += kBlock)
      store_block(from + i, row + i / kBlock * kBlockBytes);
    return;
  }
  for (int64_t i = 0; i < count; i++) {
    const auto x = static_cast<float>(from[i]);
    if (dtype == DType::f16)
      put(row, i, f32_to_f16(x));
    else if (dtype == DType::bf16)
      put(row, i, f32_to_bf16(x));
    else
      put(row, i, x);
  }
}

double load_kv(DType dtype, const std::byte* row, int64_t i) {
  switch (dtype) {
    case DType::f16:
      return f16_to_f32(get<uint16_t>(row, i));
    case DType::bf16:
      return bf16_to_f32(get<uint16_t>(row, i));
    case DType::f32:
      return get<float>(row, i);
    case DType::q8_0: {
      const std::byte* block = row + i / kBlock * kBlockBytes;
      const double d = f16_to_f32(get<uint16_t>(block, 0));
      return d * get<int8_t>(block + sizeof(uint16_t), i % kBlock);
    }
    default:
      TROIKA_CHECK(false);
      return 0;
  }
}

}  // namespace troika::reference
