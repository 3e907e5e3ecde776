// mxfp4, 32 values in 17 bytes: u8 e, u8 q[16].  y = 2^(e - 128) table[q]
// The table is E2M1 doubled, so the scale 2^(e - 127) of the OCP standard is halved. Nibbles as in
// q4_0.
#include "quant/decoders.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t e;
  uint8_t q[16];
};
static_assert(sizeof(Block) == 17);

constexpr int8_t kE2m1Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// 2^(e - 128) by its bits; the two smallest are subnormal.
float half_scale(uint8_t e) {
  return std::bit_cast<float>(e >= 2 ? (e - 1u) << 23 : 0x00200000u << e);
}

}  // namespace

void decode_mxfp4(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block), target += 32) {
    const auto block = load_block<Block>(source);
    const float d = half_scale(block.e);
    for (int j = 0; j < 16; j++) {
      target[j] = static_cast<float>(kE2m1Doubled[block.q[j] & 15]) * d;
      target[j + 16] = static_cast<float>(kE2m1Doubled[block.q[j] >> 4]) * d;
    }
  }
}

bool finite_mxfp4(const std::byte* source, int64_t blocks) {
  constexpr uint8_t kExponentMax = 252;  // 12 * 2^(252 - 128) is the last that float32 holds
  bool finite = true;
  for (int64_t b = 0; b < blocks; b++)
    finite &= load_block<uint8_t>(source + b * int64_t{sizeof(Block)}) <= kExponentMax;
  return finite;
}

}  // namespace troika::quant
