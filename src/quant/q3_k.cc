// q3_k, 256 values in 110 bytes: u8 high[32], u8 q[64], u8 scales[12], f16 d.  y = (d scale) (q -
// 4) Value i: half n = i / 128, its quarter s = i % 128 / 32, lane l = i % 32. The low two bits of
// q are bits 2s, 2s + 1 of q[32 n + l], the third is bit 4 n + s of high[l]. Groups of 16 share a
// scale of six bits, minus 32: bytes 0..7 hold the low nibbles of groups 0..7 (low) and 8..15
// (high), bytes 8..11 the upper two bits of groups g, g + 4, g + 8, g + 12.
#include "quant/decoders.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t high[32];
  uint8_t q[64];
  uint8_t scales[12];
  uint8_t d[2];
};
static_assert(sizeof(Block) == 110);

int group_scale(const Block& block, int g) {
  const int low = g < 8 ? block.scales[g] & 15 : block.scales[g - 8] >> 4;
  const int high = block.scales[8 + g % 4] >> 2 * (g / 4) & 3;
  return (low | high << 4) - 32;
}

}  // namespace

void decode_q3_k(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block), target += 256) {
    const auto block = load_block<Block>(source);
    const float d = load_f16(block.d);
    for (int g = 0; g < 16; g++) {
      const float scale = d * static_cast<float>(group_scale(block, g));
      for (int i = 16 * g; i < 16 * g + 16; i++) {
        const int n = i / 128, s = i % 128 / 32, l = i % 32;
        const int low = block.q[32 * n + l] >> 2 * s & 3;
        const int high = block.high[l] >> (4 * n + s) & 1;
        target[i] = scale * static_cast<float>((low | high << 2) - 4);
      }
    }
  }
}

bool finite_q3_k(const std::byte* source, int64_t blocks) {
  return halves_finite<Block, offsetof(Block, d)>(source, blocks);
}

}  // namespace troika::quant
