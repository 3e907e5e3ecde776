#include "device/vulkan/weight_words.h"

#include <algorithm>
#include <cstring>

namespace troika::vulkan {
namespace {

constexpr int64_t kWordBytes = 4;
constexpr int64_t kChunkColumns = 32;
constexpr int64_t kQ8Bytes = 34;
constexpr int64_t kQ6Bytes = 210;
constexpr int64_t kQ6Words = 53;

/// One row as words one after the other; `row` is zero before.
void pack_row(DType dtype, const std::byte* source, int64_t inputs, uint32_t* row) {
  auto* const bytes = reinterpret_cast<std::byte*>(row);
  if (dtype == DType::q8_0) {
    for (int64_t block = 0; block < inputs / 32; block++) {
      std::memcpy(bytes + inputs + 2 * block, source + block * kQ8Bytes, 2);
      std::memcpy(bytes + 32 * block, source + block * kQ8Bytes + 2, 32);
    }
  } else if (dtype == DType::q6_k) {
    for (int64_t block = 0; block < inputs / 256; block++)
      std::memcpy(row + block * kQ6Words, source + block * kQ6Bytes, kQ6Bytes);
  } else {
    std::memcpy(row, source, static_cast<size_t>(dtype_bytes(dtype, inputs)));
  }
}

}  // namespace

std::optional<uint32_t> matrix_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return 0;
    case DType::f16:
      return 1;
    case DType::bf16:
      return 2;
    case DType::q8_0:
      return 3;
    case DType::q4_k:
      return 4;
    case DType::q6_k:
      return 5;
    default:
      return std::nullopt;
  }
}

int64_t row_words(DType dtype, int64_t inputs) {
  if (dtype == DType::q6_k) return inputs / 256 * kQ6Words;
  return (dtype_bytes(dtype, inputs) + kWordBytes - 1) / kWordBytes;
}

void weave_strip(DType dtype, const std::byte* source, int64_t rows, int64_t inputs,
                 uint32_t* strip) {
  const int64_t words = row_words(dtype, inputs);
  const int64_t row_bytes = dtype_bytes(dtype, inputs);
  std::fill_n(strip, kStripRows * words, 0U);
  std::vector<uint32_t> row(static_cast<size_t>(words));
  for (int64_t r = 0; r < rows; r++) {
    std::ranges::fill(row, 0U);
    pack_row(dtype, source + r * row_bytes, inputs, row.data());
    for (int64_t i = 0; i < words; i++) strip[i * kStripRows + r] = row[static_cast<size_t>(i)];
  }
}

std::vector<uint32_t> chunk_list(const Split& split) {
  std::vector<uint32_t> list(kLeavesMax + 1);
  for (size_t leaf = 0; leaf < static_cast<size_t>(kLeavesMax); leaf++) {
    list[leaf] = static_cast<uint32_t>(list.size());
    if (leaf < split.leaves.size())
      for (const ColumnRange& range : split.leaves[leaf])
        for (int64_t begin = range.begin; begin < range.end; begin += kChunkColumns) {
          const int64_t columns = std::min(kChunkColumns, range.end - begin);
          list.push_back(static_cast<uint32_t>(begin << 6 | columns));
        }
  }
  list[static_cast<size_t>(kLeavesMax)] = static_cast<uint32_t>(list.size());
  return list;
}

}  // namespace troika::vulkan
