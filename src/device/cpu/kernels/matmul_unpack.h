// One row of one block of a packed matrix, unpacked to plain integers: what the portable kernels
// multiply and unpack_row reads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace troika::cpu {

/// A row of a block of the integer layouts. weight k = d * scales[k / sub-block] * values[k]
/// - dmin * mins[k / sub-block]; layouts with blocks of 32 have no scales, most have no mins.
struct RowBlock {
  int16_t values[256];
  int16_t scales[16];
  int16_t mins[8];
  float d;
  float dmin;
};

/// Fills what the layout has of `out` for row `row` (0 .. 15) of the block. `head` is the block's
/// part of the strip's head.
using UnpackBlock = void (*)(const std::byte* head, const std::byte* block, int row, RowBlock& out);

void unpack_u4_32(const std::byte* head, const std::byte* block, int row, RowBlock& out);
void unpack_i8_32(const std::byte* head, const std::byte* block, int row, RowBlock& out);
void unpack_u4_affine(const std::byte* head, const std::byte* block, int row, RowBlock& out);
void unpack_u5_affine(const std::byte* head, const std::byte* block, int row, RowBlock& out);
void unpack_i6_scaled(const std::byte* head, const std::byte* block, int row, RowBlock& out);
void unpack_i3_scaled(const std::byte* head, const std::byte* block, int row, RowBlock& out);
void unpack_i4_table(const std::byte* head, const std::byte* block, int row, RowBlock& out);

}  // namespace troika::cpu
