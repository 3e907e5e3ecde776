// What a block format provides: decode_<name> and finite_<name>, for every row of core/dtype_list.h
// that says so. Only quant/decode.cc and the formats themselves include this; others ask
// quant/decode.h.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/dtype_list.h"
#include "core/half.h"

namespace troika::quant {

// decode: decodes `blocks` packed blocks at `source` to blocks * block length floats at `target`.
// finite: whether the scales of these blocks let every value be finite, whatever the codes are.
#define TROIKA_DECLARE_0(name)
#define TROIKA_DECLARE_1(name)                                                \
  void decode_##name(const std::byte* source, float* target, int64_t blocks); \
  bool finite_##name(const std::byte* source, int64_t blocks);
#define TROIKA_ROW(name, id, block, bytes, decodes, encodes) TROIKA_DECLARE_##decodes(name)
TROIKA_DTYPES(TROIKA_ROW)
#undef TROIKA_ROW
#undef TROIKA_DECLARE_1
#undef TROIKA_DECLARE_0

/// The block at `source` as its struct of bytes; formats have no alignment in a file.
template <typename Block>
Block load_block(const std::byte* source) {
  Block block;
  std::memcpy(&block, source, sizeof(Block));
  return block;
}

/// The half at `at`, little endian.
inline float load_f16(const uint8_t* at) {
  return f16_to_f32(static_cast<uint16_t>(at[0] | at[1] << 8));
}

/// The u32 at `at`, little endian.
inline uint32_t load_u32(const uint8_t* at) {
  return at[0] | uint32_t{at[1]} << 8 | uint32_t{at[2]} << 16 | uint32_t{at[3]} << 24;
}

/// Whether the halves at bytes At ... of each of `blocks` blocks are finite.
template <typename Block, size_t... At>
bool halves_finite(const std::byte* source, int64_t blocks) {
  constexpr uint32_t kExponent = 0x7c00;
  bool finite = true;
  for (int64_t b = 0; b < blocks; b++, source += sizeof(Block))
    finite &= (((load_block<uint16_t>(source + At) & kExponent) != kExponent) && ...);
  return finite;
}

/// Whether none of `count` floats with these bits of exponent has them all set.
template <typename Bits, Bits kExponent>
bool floats_finite(const std::byte* source, int64_t count) {
  constexpr int64_t kAtOnce = 64;  // a count that the compiler knows, for it to use vectors
  Bits bad = 0;
  int64_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce)
    for (int64_t j = i; j < i + kAtOnce; j++)
      bad |= (load_block<Bits>(source + j * int64_t{sizeof(Bits)}) & kExponent) == kExponent;
  for (; i < count; i++)
    bad |= (load_block<Bits>(source + i * int64_t{sizeof(Bits)}) & kExponent) == kExponent;
  return bad == 0;
}

}  // namespace troika::quant
