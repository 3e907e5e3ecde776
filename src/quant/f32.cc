// f32: as it is.
#include "quant/decoders.h"
#include "quant/encoders.h"

namespace troika::quant {

void decode_f32(const std::byte* source, float* target, int64_t blocks) {
  std::memcpy(target, source, static_cast<size_t>(blocks) * sizeof(float));
}

void encode_f32(const float* source, std::byte* target, int64_t blocks) {
  std::memcpy(target, source, static_cast<size_t>(blocks) * sizeof(float));
}

bool finite_f32(const std::byte* source, int64_t blocks) {
  return floats_finite<uint32_t, 0x7f800000>(source, blocks);
}

}  // namespace troika::quant
