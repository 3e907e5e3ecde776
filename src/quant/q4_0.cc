// q4_0, 32 values in 18 bytes: f16 d, u8 q[16].  y = (q - 8) d
// Byte j holds value j in its low and value j + 16 in its high nibble.
#include <array>
#include <cmath>

#include "quant/decoders.h"
#include "quant/encoders.h"

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

void encode_q4_0(const float* source, std::byte* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += 32, target += sizeof(Block)) {
    Block block = {};
    int8_t q[32] = {};
    if (const BlockLanes<32> lanes(source); !lanes.zero) {
      std::array<Float4, 32 / kLanes> w;
      fit_weights(lanes.x, w);
      const float fit = fit_symmetric(lanes.x, w, -8);
      const uint16_t sign = fit < 0 ? 0x8000 : 0;
      const auto d = static_cast<uint16_t>(scale_to_f16(std::abs(fit)) | sign);
      store_f16(d, block.d);
      quantise(lanes.x, 1 / f16_to_f32(d), 0, -8, 7, q);
    }
    for (int j = 0; j < 16; j++)
      block.q[j] = static_cast<uint8_t>((q[j] + 8) | (q[j + 16] + 8) << 4);
    store_block(block, target);
  }
}

bool finite_q4_0(const std::byte* source, int64_t blocks) {
  return halves_finite<Block, offsetof(Block, d)>(source, blocks);
}

}  // namespace troika::quant
