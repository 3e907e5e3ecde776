// float32 <-> float16 and bfloat16, as GGUF files and KV pages store them. Round to nearest even,
// subnormals kept. Source: IEEE 754 binary16; bfloat16 = the upper half of binary32.
#pragma once

#include <cstdint>

namespace troika {

/// The float32 of the half with bits `h` (exact).
float f16_to_f32(uint16_t h);

/// The nearest half of `f` as bits; overflow gives infinity, NaN gives 0x7e00 with the sign of `f`.
uint16_t f32_to_f16(float f);

/// The float32 of the bfloat16 with bits `b` (exact).
float bf16_to_f32(uint16_t b);

/// The nearest bfloat16 of `f` as bits; NaN stays a quiet NaN.
uint16_t f32_to_bf16(float f);

}  // namespace troika
