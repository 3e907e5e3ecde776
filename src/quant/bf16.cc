// bf16: the upper half of a float32, exact.
#include "quant/decoders.h"
#include "quant/encoders.h"

namespace troika::quant {

void decode_bf16(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t i = 0; i < blocks; i++)
    target[i] = bf16_to_f32(load_block<uint16_t>(source + 2 * i));
}

void encode_bf16(const float* source, std::byte* target, int64_t blocks) {
  for (int64_t i = 0; i < blocks; i++) store_block(f32_to_bf16(source[i]), target + 2 * i);
}

bool finite_bf16(const std::byte* source, int64_t blocks) {
  return floats_finite<uint16_t, 0x7f80>(source, blocks);
}

}  // namespace troika::quant
