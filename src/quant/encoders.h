// What an encodable block format provides: encode_<name>, for every row of core/dtype_list.h that
// says so. Only quant/encode.cc and the formats themselves include this; others ask encode_row.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/dtype_list.h"
#include "quant/fit.h"

namespace troika::quant {

// Encodes blocks * block length floats at `source`, finite and in the range of the format, to
// `blocks` packed blocks at `target`.
#define TROIKA_DECLARE_0(name)
#define TROIKA_DECLARE_1(name) \
  void encode_##name(const float* source, std::byte* target, int64_t blocks);
#define TROIKA_ROW(name, id, block, bytes, decodes, encodes) TROIKA_DECLARE_##encodes(name)
TROIKA_DTYPES(TROIKA_ROW)
#undef TROIKA_ROW
#undef TROIKA_DECLARE_1
#undef TROIKA_DECLARE_0

/// Largest magnitude that counts as more than zero in formats with half scales: no half is
/// smaller than 2^-24, and squares of what is left stay normal floats.
inline constexpr float kTiny = 0x1p-40f;

/// The floats of one block as lanes; all zero if none is larger than kTiny.
template <int elements>
struct BlockLanes {
  std::array<Float4, elements / kLanes> x = {};
  bool zero = true;

  explicit BlockLanes(const float* source) {
    for (int i = 0; i < elements; i++) zero = zero && source[i] <= kTiny && source[i] >= -kTiny;
    for (size_t i = 0; !zero && i < x.size(); i++)
      x[i] = load4(source + kLanes * static_cast<int>(i));
  }
};

/// q[i] = nearest(x inverse + shift) in low ... high, as bytes.
inline void quantise(std::span<const Float4> x, float inverse, float shift, float low, float high,
                     int8_t* q) {
  const Float4 zero = {};
  for (size_t i = 0; i < x.size(); i++) {
    const Float4 lanes = nearest4(x[i] * inverse + shift, zero + low, zero + high);
    for (size_t l = 0; l < kLanes; l++) q[kLanes * i + l] = static_cast<int8_t>(lanes[l]);
  }
}

inline void store_f16(uint16_t half, uint8_t* at) {
  at[0] = static_cast<uint8_t>(half & 255);
  at[1] = static_cast<uint8_t>(half >> 8);
}

template <typename Block>
void store_block(const Block& block, std::byte* target) {
  std::memcpy(target, &block, sizeof(Block));
}

}  // namespace troika::quant
