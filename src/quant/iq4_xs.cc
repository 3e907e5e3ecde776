// iq4_xs, 256 values in 136 bytes: f16 d, u16 scales_high, u8 scales_low[4], u8 q[128].  y = (d
// (scale - 32)) table[q] Groups of 32 share a scale of six bits: nibble g of scales_low below bits
// 2g, 2g + 1 of scales_high. Byte 16 g + j holds value j of group g in its low and value j + 16 in
// its high nibble.
#include "quant/decoders.h"
#include "quant/iq4_table.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t d[2];
  uint8_t scales_high[2];
  uint8_t scales_low[4];
  uint8_t q[128];
};
static_assert(sizeof(Block) == 136);

}  // namespace

void decode_iq4_xs(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block), target += 256) {
    const auto block = load_block<Block>(source);
    const float d = load_f16(block.d);
    const int scales_high = block.scales_high[0] | block.scales_high[1] << 8;
    for (int g = 0; g < 8; g++) {
      const int low = block.scales_low[g / 2] >> 4 * (g & 1) & 15;
      const int high = scales_high >> 2 * g & 3;
      const float scale = d * static_cast<float>((low | high << 4) - 32);
      for (int j = 0; j < 16; j++) {
        const uint8_t pair = block.q[16 * g + j];
        target[32 * g + j] = scale * static_cast<float>(kIq4Values[pair & 15]);
        target[32 * g + 16 + j] = scale * static_cast<float>(kIq4Values[pair >> 4]);
      }
    }
  }
}

bool finite_iq4_xs(const std::byte* source, int64_t blocks) {
  return halves_finite<Block, offsetof(Block, d)>(source, blocks);
}

}  // namespace troika::quant
