// Activations to 8 bits in plain C++: the specification of the fast quantisers, which give the same
// bytes. Rules: QuantizeKernel in kernels/matmul.h.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "device/cpu/kernels/matmul_portable.h"
#include "device/cpu/kernels/matmul_quantize_body.h"

namespace troika::cpu::portable {
namespace {

constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to nearest, ties to even

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
    d = !finite ? std::numeric_limits<float>::quiet_NaN() : zero ? 0.0f : amax / 127.0f;
    if (zero) {
      std::memset(q, 0, sizeof q);
      return;
    }
    const float inverse = 127.0f / amax;
    for (int k = 0; k < Columns; k++) {
      const auto rounded = std::bit_cast<int32_t>(x[k] * inverse + kRound);
      q[k] = static_cast<int8_t>(rounded - std::bit_cast<int32_t>(kRound));
    }
  }

  QuantSums sums(int first) const {
    QuantSums sums = {};
    for (int k = first; k < first + 16; k++) (q[k] > 0 ? sums.positive : sums.negative) += q[k];
    return sums;
  }
};

Block32 make_block_32(const float* x, int64_t columns) {
  const Quantized<32> block(x, columns);
  Block32 out;
  std::memcpy(out.q, block.q, sizeof out.q);
  out.d = block.d;
  int32_t sum = 0;
  for (int8_t q : block.q) sum += q;
  set_sums(out, sum);
  return out;
}

/// Super32 or Super16: q with two sub-blocks of `Sub` taking turns every 4 columns.
template <class Super, int Sub>
Super make_super(const float* x, int64_t columns) {
  const Quantized<256> block(x, columns);
  Super out;
  for (int p = 0; p < 256; p += 2 * Sub)
    for (int k = 0; k < Sub; k += 4)
      for (int s = 0; s < 2; s++)
        std::memcpy(out.q + p + 2 * k + 4 * s, block.q + p + s * Sub + k, 4);
  out.d = block.d;
  QuantSums sums[16];
  for (int j = 0; j < 16; j++) sums[j] = block.sums(16 * j);
  set_sums(out, sums);
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
  quantize<256, make_super<Super32, 32>>(x, columns, out, step);
}
void quantize_super_16(const float* x, int64_t columns, std::byte* out, int64_t step) noexcept {
  quantize<256, make_super<Super16, 16>>(x, columns, out, step);
}

}  // namespace troika::cpu::portable
