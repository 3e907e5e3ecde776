// q6_k, 256 values in 210 bytes: u8 low[128], u8 high[64], int8 scales[16], f16 d.  y = (d scale)
// (q - 32) Value i: half n = i / 128, its quarter k = i % 128 / 32, lane l = i % 32. The low four
// bits of q are a nibble of low[64 n + 32 (k & 1) + l] (the high one for k >= 2), the upper two are
// bits 2k, 2k + 1 of high[32 n + l]. Groups of 16 share a scale.
#include "quant/decoders.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];
  uint8_t d[2];
};
static_assert(sizeof(Block) == 210);

}  // namespace

void decode_q6_k(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block), target += 256) {
    const auto block = load_block<Block>(source);
    const float d = load_f16(block.d);
    for (int g = 0; g < 16; g++) {
      const float scale = d * static_cast<float>(block.scales[g]);
      for (int i = 16 * g; i < 16 * g + 16; i++) {
        const int n = i / 128, k = i % 128 / 32, l = i % 32;
        const int low = block.low[64 * n + 32 * (k & 1) + l] >> 4 * (k >> 1) & 15;
        const int high = block.high[32 * n + l] >> 2 * k & 3;
        target[i] = scale * static_cast<float>((low | high << 4) - 32);
      }
    }
  }
}

}  // namespace troika::quant
