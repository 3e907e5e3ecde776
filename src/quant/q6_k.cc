// q6_k, 256 values in 210 bytes: u8 low[128], u8 high[64], int8 scales[16], f16 d.  y = (d scale)
// (q - 32) Value i: half n = i / 128, its quarter k = i % 128 / 32, lane l = i % 32. The low four
// bits of q are a nibble of low[64 n + 32 (k & 1) + l] (the high one for k >= 2), the upper two are
// bits 2k, 2k + 1 of high[32 n + l]. Groups of 16 share a scale.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "quant/decoders.h"
#include "quant/encoders.h"

namespace troika::quant {
namespace {

struct Block {
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];
  uint8_t d[2];
};
static_assert(sizeof(Block) == 210);

/// Fits a scale to each group, rounds the scales to multiples of the largest / 128, and the values
/// to what is left.
void quantise_groups(std::span<const Float4> x, Block& block, int8_t* q) {
  constexpr size_t kGroupLanes = 16 / kLanes;
  std::array<Float4, 256 / kLanes> w;
  fit_weights(x, w);
  std::array<float, 16> fits;
  float extreme = 0;
  for (size_t g = 0; g < 16; g++) {
    const size_t at = g * kGroupLanes;
    fits[g] = fit_symmetric(x.subspan(at, kGroupLanes), std::span(w).subspan(at, kGroupLanes), -32);
    if (std::abs(fits[g]) > std::abs(extreme)) extreme = fits[g];
  }
  const uint16_t magnitude = scale_to_f16(std::abs(extreme) / 128);
  const auto half = static_cast<uint16_t>(magnitude | (extreme > 0 ? 0x8000 : 0));  // extreme: -128
  store_f16(half, block.d);
  const float d = f16_to_f32(half);
  for (size_t g = 0; g < 16; g++) {
    const float scale = std::clamp(std::round(fits[g] / d), -128.0f, 127.0f);
    block.scales[g] = static_cast<int8_t>(scale);
    if (scale != 0)
      quantise(x.subspan(g * kGroupLanes, kGroupLanes), 1 / (d * scale), 0, -32, 31, q + 16 * g);
  }
}

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

void encode_q6_k(const float* source, std::byte* target, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++, source += 256, target += sizeof(Block)) {
    Block block = {};
    int8_t q[256] = {};
    if (const BlockLanes<256> lanes(source); !lanes.zero) quantise_groups(lanes.x, block, q);
    for (int i = 0; i < 256; i++) {
      const int n = i / 128, k = i % 128 / 32, l = i % 32;
      const int unsigned_q = q[i] + 32;
      block.low[64 * n + 32 * (k & 1) + l] |=
          static_cast<uint8_t>((unsigned_q & 15) << 4 * (k >> 1));
      block.high[32 * n + l] |= static_cast<uint8_t>(unsigned_q >> 4 << 2 * k);
    }
    store_block(block, target);
  }
}

bool finite_q6_k(const std::byte* source, int64_t blocks) {
  return halves_finite<Block, offsetof(Block, d)>(source, blocks);
}

}  // namespace troika::quant
