// How rows of a matrix become words for shaders/weights.glsl. A row is as many whole 32-bit words
// as it needs:
//   f32          a word a column
//   f16, bf16    two columns a word
//   q8_0         four columns a word, then the scales of the blocks, two a word
//   q4_k         the blocks of the file, 36 words each
//   q6_k         the blocks of the file, 210 bytes each, and two bytes of zeros
// 32 rows make a strip: word i of row r is word 32 i + r of the strip. Rows that fill the last
// strip are zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/dtype.h"
#include "graph/split.h"

namespace troika::vulkan {

inline constexpr int64_t kStripRows = 32;

/// The number by which shaders know a type of matrix; nothing for types that they do not know.
std::optional<uint32_t> matrix_type(DType dtype);

/// Words of a row of `inputs` columns, whole blocks.
int64_t row_words(DType dtype, int64_t inputs);

/// Weaves `rows` (at most kStripRows) rows, one after the other at `source`, into the strip at
/// `strip`, which has kStripRows * row_words() words.
void weave_strip(DType dtype, const std::byte* source, int64_t rows, int64_t inputs,
                 uint32_t* strip);

/// The order of addition for shaders/matmul.comp: where each leaf begins and the last ends, 9
/// places, then all chunks of at most 32 columns, leaf by leaf: first column << 6 | columns.
std::vector<uint32_t> chunk_list(const Split& split);

}  // namespace troika::vulkan
