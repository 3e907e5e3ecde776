// q4_k, 256 values in 144 bytes: f16 d, f16 dmin, u8 scales[12], u8 q[128].  y = (d scale) q -
// (dmin min) Groups of 32 share scale and min (quant/k_scales.h). Groups 2c and 2c + 1 lie in the
// low and the high nibbles of bytes 32 c ... 32 c + 31.
#include "quant/decoders.h"
#include "quant/encoders.h"
#include "quant/k_quants.h"
#include "quant/k_scales.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t d[2];
  uint8_t dmin[2];
  uint8_t scales[12];
  uint8_t q[128];
};
static_assert(sizeof(Block) == 144);

}  // namespace

void decode_q4_k(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block), target += 256) {
    const auto block = load_block<Block>(source);
    const float d = load_f16(block.d);
    const float dmin = load_f16(block.dmin);
    for (int g = 0; g < 8; g++) {
      const ScaleMin six = k_scale_min(block.scales, g);
      const float scale = d * static_cast<float>(six.scale);
      const float min = dmin * static_cast<float>(six.min);
      for (int l = 0; l < 32; l++) {
        const int q = block.q[32 * (g / 2) + l] >> 4 * (g & 1) & 15;
        target[32 * g + l] = scale * static_cast<float>(q) - min;
      }
    }
  }
}

void encode_q4_k(const float* source, std::byte* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += 256, target += sizeof(Block)) {
    Block block = {};
    if (const BlockLanes<256> lanes(source); !lanes.zero) {
      const KQuants k = quantise_k(lanes.x, 15);
      store_f16(k.d, block.d);
      store_f16(k.dmin, block.dmin);
      std::memcpy(block.scales, k.scales, sizeof(block.scales));
      for (int g = 0; g < 8; g++)
        for (int l = 0; l < 32; l++) {
          const int q = k.q[32 * g + l];
          block.q[32 * (g / 2) + l] |= static_cast<uint8_t>(q << 4 * (g & 1));
        }
    }
    store_block(block, target);
  }
}

bool finite_q4_k(const std::byte* source, int64_t blocks) {
  return halves_finite<Block, offsetof(Block, d), offsetof(Block, dmin)>(source, blocks);
}

}  // namespace troika::quant
