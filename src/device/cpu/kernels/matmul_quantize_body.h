// What the quantisers of every instruction set write beside q and d: the sums that kernels start
// from, and the marks of blocks whose sums may leave 16 bits. Internal linkage: each file that
// includes this compiles its own.
#pragma once

#include "device/cpu/kernels/matmul.h"

namespace troika::cpu {
namespace {

constexpr uint32_t kInfinityBits = 0x7f800000;
constexpr uint32_t kSmallestBits = 0x0d800000;  // 2^-100: far below, 127 / amax overflows

/// Sums of the positive and of the negative q of 16 columns.
struct QuantSums {
  int32_t positive;
  int32_t negative;
};

constexpr bool leaves_16_bits(int32_t least, int32_t most) {
  return least < -32768 || most > 32767;
}

[[maybe_unused]] inline void set_sums(Block32& out, int32_t sum) {
  out.start_8 = -8 * sum;
  out.start_128 = -128 * sum;
}

/// `sums` of the 16 sixteenths.
[[maybe_unused]] inline void set_sums(Super32& out, const QuantSums* sums) {
  out.wide_4 = out.wide_5 = out.reserved = 0;
  for (int j = 0; j < 8; j++) {
    const int32_t positive = sums[2 * j].positive + sums[2 * j + 1].positive;
    const int32_t negative = sums[2 * j].negative + sums[2 * j + 1].negative;
    out.sum[j] = static_cast<int16_t>(positive + negative);
    out.wide_4 |= leaves_16_bits(15 * negative, 15 * positive);
    out.wide_5 |= leaves_16_bits(31 * negative, 31 * positive);
  }
}

[[maybe_unused]] inline void set_sums(Super16& out, const QuantSums* sums) {
  out.wide_6 = 0;
  for (int32_t& word : out.reserved) word = 0;
  for (int j = 0; j < 16; j++) {
    const int32_t positive = sums[j].positive, negative = sums[j].negative;
    out.start_32[j] = -32 * (positive + negative);
    // Weights are -32 .. 31.
    out.wide_6 |= leaves_16_bits(31 * negative - 32 * positive, 31 * positive - 32 * negative);
  }
}

}  // namespace
}  // namespace troika::cpu
