// iq4_nl, 32 values in 18 bytes: f16 d, u8 q[16].  y = d table[q]
// Byte j holds value j in its low and value j + 16 in its high nibble.
#include "quant/decoders.h"
#include "quant/iq4_table.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t d[2];
  uint8_t q[16];
};
static_assert(sizeof(Block) == 18);

}  // namespace

void decode_iq4_nl(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block), target += 32) {
    const auto block = load_block<Block>(source);
    const float d = load_f16(block.d);
    for (int j = 0; j < 16; j++) {
      target[j] = d * static_cast<float>(kIq4Values[block.q[j] & 15]);
      target[j + 16] = d * static_cast<float>(kIq4Values[block.q[j] >> 4]);
    }
  }
}

bool finite_iq4_nl(const std::byte* source, int64_t blocks) {
  return halves_finite<Block, offsetof(Block, d)>(source, blocks);
}

}  // namespace troika::quant
