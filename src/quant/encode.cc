#include "quant/encode.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/check.h"
#include "quant/encoders.h"

namespace troika {
namespace {

using Encoder = void (*)(const float* source, std::byte* target, int64_t blocks);

#define TROIKA_ENCODER_0(name) nullptr
#define TROIKA_ENCODER_1(name) &quant::encode_##name
#define TROIKA_ROW(name, id, block, bytes, decodes, encodes) TROIKA_ENCODER_##encodes(name),
constexpr Encoder kEncoders[] = {TROIKA_DTYPES(TROIKA_ROW)};
#undef TROIKA_ROW
#undef TROIKA_ENCODER_1
#undef TROIKA_ENCODER_0

float largest(DType dtype) {
  constexpr float kHalfMax = 65504.0f;
  constexpr float kBf16Max = 0x1.fep127f;
  if (dtype == DType::f32) return std::numeric_limits<float>::max();
  return dtype == DType::bf16 ? kBf16Max : kHalfMax;
}

}  // namespace

Status encode_row(DType dtype, std::span<const float> values, std::byte* target) {
  const DTypeInfo& info = dtype_info(dtype);
  TROIKA_CHECK(info.encodes);
  TROIKA_CHECK(std::ssize(values) % info.block == 0);
  const float max = largest(dtype);
  int fit = 1;  // all values are looked at, so that the compiler can look at many together
  for (const float x : values) fit &= static_cast<int>(x <= max) & static_cast<int>(x >= -max);
  if (fit == 0) {
    const auto bad = std::ranges::find_if(values, [max](float x) { return !(std::abs(x) <= max); });
    return fail(ErrorCode::invalid_argument,
                "value {} of {} is {}, wanted a finite magnitude of at most {} for {}",
                bad - values.begin(), values.size(), *bad, max, info.name);
  }
  kEncoders[static_cast<size_t>(dtype)](values.data(), target, std::ssize(values) / info.block);
  return ok();
}

}  // namespace troika
