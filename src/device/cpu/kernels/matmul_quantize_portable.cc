// Activations to 8 bits in plain C++: the specification of the fast quantisers, which give the same
// q and d. Rules: QuantizeKernel in kernels/matmul.h.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "device/cpu/kernels/matmul_portable.h"

namespace troika::cpu::portable {
namespace {

constexpr uint32_t kInfinityBits = 0x7f800000;
constexpr uint32_t kSmallestBits = 0x0d800000;  // 2^-100: below, 127 / amax nears overflow
constexpr float kRound = 12582912.0f;           // 1.5 * 2^23: adding it rounds to nearest even

/// A block of `Columns` values: q in the order of x, and the scale.
template <int Columns>
struct Quantized {
  int8_t q[Columns];
  float d;

  /// `columns` <= Columns values; the rest counts as zero.
  Quantized(const float* values, int64_t columns) {
    float x[Columns] = {};
    std::memcpy(x, values, sizeof(float) * static_cast<size_t>(columns));
    // As integers absolute values keep their order, and NaN is the largest.
    uint32_t amax_bits = 0;
    for (float v : x) amax_bits = std::max(amax_bits, std::bit_cast<uint32_t>(v) & 0x7fffffff);
    const bool finite = amax_bits < kInfinityBits;
    const bool zero = !finite || amax_bits < kSmallestBits;
    const auto amax = std::bit_cast<float>(amax_bits);
    const float inverse = 127.0f / amax;
    for (int k = 0; k < Columns; k++) {
      const auto rounded = std::bit_cast<int32_t>(x[k] * inverse + kRound);
      q[k] = static_cast<int8_t>(zero ? 0 : rounded - std::bit_cast<int32_t>(kRound));
    }
    d = !finite ? std::numeric_limits<float>::quiet_NaN() : zero ? 0.0f : amax / 127.0f;
  }

  /// Sums of the positive and of the negative among `count` values from `first`.
  struct Sums {
    int32_t positive = 0;
    int32_t negative = 0;
    int32_t all() const { return positive + negative; }
  };
  Sums sums(int first, int count) const {
    Sums sums;
    for (int k = first; k < first + count; k++) (q[k] > 0 ? sums.positive : sums.negative) += q[k];
    return sums;
  }
};

constexpr int32_t kShortMin = -32768, kShortMax = 32767;

/// Stores q with two sub-blocks of `Sub` taking turns every 4 columns.
template <int Sub>
void interleave(const int8_t* q, int8_t* out) {
  for (int p = 0; p < 256; p += 2 * Sub)
    for (int k = 0; k < Sub; k += 4)
      for (int s = 0; s < 2; s++) std::memcpy(out + p + 2 * k + 4 * s, q + p + s * Sub + k, 4);
}

Block32 make_block_32(const float* x, int64_t columns) {
  const Quantized<32> block(x, columns);
  Block32 out;
  std::memcpy(out.q, block.q, sizeof out.q);
  out.d = block.d;
  const int32_t sum = block.sums(0, 32).all();
  out.start_8 = -8 * sum;
  out.start_128 = -128 * sum;
  return out;
}

Super32 make_super_32(const float* x, int64_t columns) {
  const Quantized<256> block(x, columns);
  Super32 out = {};
  interleave<32>(block.q, out.q);
  out.d = block.d;
  for (int j = 0; j < 8; j++) {
    const auto sums = block.sums(32 * j, 32);
    out.sum[j] = static_cast<int16_t>(sums.all());
    out.wide_4 |= 15 * sums.positive > kShortMax || 15 * sums.negative < kShortMin;
    out.wide_5 |= 31 * sums.positive > kShortMax || 31 * sums.negative < kShortMin;
  }
  return out;
}

Super16 make_super_16(const float* x, int64_t columns) {
  const Quantized<256> block(x, columns);
  Super16 out = {};
  interleave<16>(block.q, out.q);
  out.d = block.d;
  for (int j = 0; j < 16; j++) {
    const auto sums = block.sums(16 * j, 16);
    out.start_32[j] = -32 * sums.all();
    // Weights are -32 .. 31: the largest and the smallest sum that they can make.
    out.wide_6 |= 31 * sums.positive - 32 * sums.negative > kShortMax ||
                  31 * sums.negative - 32 * sums.positive < kShortMin;
  }
  return out;
}

template <int Columns, auto Make>
void quantize(const float* x, int64_t columns, std::byte* out, int64_t step) {
  for (int64_t k = 0; k < columns; k += Columns, out += step) {
    const auto block = Make(x + k, std::min<int64_t>(Columns, columns - k));
    std::memcpy(out, &block, sizeof block);
  }
}

}  // namespace

void quantize_f32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  for (int64_t k = 0; k < columns; k++) std::memcpy(out + k * step, x + k, sizeof(float));
}
void quantize_block_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  quantize<32, make_block_32>(x, columns, out, step);
}
void quantize_super_32(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  quantize<256, make_super_32>(x, columns, out, step);
}
void quantize_super_16(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  quantize<256, make_super_16>(x, columns, out, step);
}

}  // namespace troika::cpu::portable
