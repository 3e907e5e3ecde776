// What a block format provides: decode_<name>, for every row of core/dtype_list.h that says so.
// Only quant/decode.cc and the formats themselves include this; others ask decode_row.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/dtype_list.h"
#include "core/half.h"

namespace troika::quant {

// Decodes `blocks` packed blocks at `source` to blocks * block length floats at `target`.
#define TROIKA_DECLARE_0(name)
#define TROIKA_DECLARE_1(name) \
  void decode_##name(const std::byte* source, float* target, int64_t blocks);
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

}  // namespace troika::quant
