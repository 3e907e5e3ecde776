// q4_0, 32 values in 18 bytes: f16 d, u8 q[16].  y = (q - 8) d
// Byte j holds value j in its low and value j + 16 in its high nibble.
#include "quant/decoders.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t d[2];
  uint8_t q[16];
};
static_assert(sizeof(Block) == 18);

}  // namespace

void decode_q4_0(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block), target += 32) {
    const auto block = load_block<Block>(source);
    const float d = load_f16(block.d);
    for (int j = 0; j < 16; j++) {
      target[j] = static_cast<float>((block.q[j] & 15) - 8) * d;
      target[j + 16] = static_cast<float>((block.q[j] >> 4) - 8) * d;
    }
  }
}

}  // namespace troika::quant
