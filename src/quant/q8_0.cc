// q8_0, 32 values in 34 bytes: f16 d, int8 q[32].  y = q d
#include <algorithm>

#include "quant/decoders.h"
#include "quant/encoders.h"

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

void encode_q8_0(const float* source, std::byte* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += 32, target += sizeof(Block)) {
    Block block = {};
    if (const BlockLanes<32> lanes(source); !lanes.zero) {
      Float4 largest = {};
      for (const Float4 x : lanes.x) {
        largest = x > largest ? x : largest;
        largest = -x > largest ? -x : largest;
      }
      const float top = std::max({largest[0], largest[1], largest[2], largest[3]});
      const uint16_t d = scale_to_f16(top / 127);
      store_f16(d, block.d);
      quantise(lanes.x, 1 / f16_to_f32(d), 0, -127, 127, block.q);
    }
    store_block(block, target);
  }
}

bool finite_q8_0(const std::byte* source, int64_t blocks) {
  return halves_finite<Block, offsetof(Block, d)>(source, blocks);
}

}  // namespace troika::quant
