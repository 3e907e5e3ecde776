// q8_0, 32 values in 34 bytes: f16 d, int8 q[32].  y = q d
#include "quant/decoders.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t d[2];
  int8_t q[32];
};
static_assert(sizeof(Block) == 34);

}  // namespace

void decode_q8_0(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block), target += 32) {
    const auto block = load_block<Block>(source);
    const float d = load_f16(block.d);
    for (int i = 0; i < 32; i++) target[i] = static_cast<float>(block.q[i]) * d;
  }
}

}  // namespace troika::quant
