// q5_1, 32 values in 24 bytes: f16 d, f16 m, u32 high, u8 q[16].  y = q d + m
// The low four bits of q lie as in q4_0; the fifth bit of value i is bit i of `high`.
#include "quant/decoders.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t d[2];
  uint8_t m[2];
  uint8_t high[4];
  uint8_t q[16];
};
static_assert(sizeof(Block) == 24);

}  // namespace

void decode_q5_1(const std::byte* source, float* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block), target += 32) {
    const auto block = load_block<Block>(source);
    const float d = load_f16(block.d);
    const float m = load_f16(block.m);
    const uint32_t high = load_u32(block.high);
    for (int i = 0; i < 32; i++) {
      const int low = i < 16 ? block.q[i] & 15 : block.q[i - 16] >> 4;
      const int q = low | static_cast<int>(high >> i & 1) << 4;
      target[i] = static_cast<float>(q) * d + m;
    }
  }
}

bool finite_q5_1(const std::byte* source, int64_t blocks) {
  return halves_finite<Block, offsetof(Block, d), offsetof(Block, m)>(source, blocks);
}

}  // namespace troika::quant
