// q2_k, 256 values in 84 bytes: u8 scales[16], u8 q[64], f16 d, f16 dmin.  y = (d scale) q - (dmin
// min) Groups of 16 share a scale (low nibble) and a min (high nibble). Value i: half n = i / 128,
// its quarter s = i % 128 / 32, lane l = i % 32; q is bits 2s, 2s + 1 of byte 32 n + l.
#include "quant/decoders.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t scales[16];
  uint8_t q[64];
  uint8_t d[2];
  uint8_t dmin[2];
};
static_assert(sizeof(Block) == 84);

}  // namespace

void decode_q2_k(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block), target += 256) {
    const auto block = load_block<Block>(source);
    const float d = load_f16(block.d);
    const float dmin = load_f16(block.dmin);
    for (int i = 0; i < 256; i++) {
      const int q = block.q[32 * (i / 128) + i % 32] >> 2 * (i % 128 / 32) & 3;
      const float scale = d * static_cast<float>(block.scales[i / 16] & 15);
      const float min = dmin * static_cast<float>(block.scales[i / 16] >> 4);
      target[i] = scale * static_cast<float>(q) - min;
    }
  }
}

bool finite_q2_k(const std::byte* source, int64_t blocks) {
  return halves_finite<Block, offsetof(Block, d), offsetof(Block, dmin)>(source, blocks);
}

}  // namespace troika::quant
