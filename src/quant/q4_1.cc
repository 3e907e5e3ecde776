// q4_1, 32 values in 20 bytes: f16 d, f16 m, u8 q[16].  y = q d + m
// Byte j holds value j in its low and value j + 16 in its high nibble.
#include "quant/decoders.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t d[2];
  uint8_t m[2];
  uint8_t q[16];
};
static_assert(sizeof(Block) == 20);

}  // namespace

void decode_q4_1(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block), target += 32) {
    const auto block = load_block<Block>(source);
    const float d = load_f16(block.d);
    const float m = load_f16(block.m);
    for (int j = 0; j < 16; j++) {
      target[j] = static_cast<float>(block.q[j] & 15) * d + m;
      target[j + 16] = static_cast<float>(block.q[j] >> 4) * d + m;
    }
  }
}

bool finite_q4_1(const std::byte* source, int64_t blocks) {
  return halves_finite<Block, offsetof(Block, d), offsetof(Block, m)>(source, blocks);
}

}  // namespace troika::quant
