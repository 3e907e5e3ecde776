#include "device/vulkan/weight_words.h"

#include <gtest/gtest.h>

#include <cstring>

namespace troika::vulkan {
namespace {

TEST(WeightWordsTest, RowsOfAStripLieSideBySide) {
  constexpr int64_t kInputs = 3;
  std::vector<float> rows = {1, 2, 3, 4, 5, 6};
  std::vector<uint32_t> strip(static_cast<size_t>(kStripRows * row_words(DType::f32, kInputs)), 7);
  weave_strip(DType::f32, reinterpret_cast<const std::byte*>(rows.data()), 2, kInputs,
              strip.data());
  const auto number = [&](int64_t column, int64_t row) {
    float value = 0;
    std::memcpy(&value, &strip[static_cast<size_t>(column * kStripRows + row)], sizeof(value));
    return value;
  };
  for (int64_t column = 0; column < kInputs; column++) {
    EXPECT_EQ(number(column, 0), static_cast<float>(1 + column));
    EXPECT_EQ(number(column, 1), static_cast<float>(4 + column));
    EXPECT_EQ(number(column, 2), 0.0F);  // there is no third row
  }
}

TEST(WeightWordsTest, ScalesOfQ8StandBehindItsNumbers) {
  std::vector<std::byte> row(2 * 34);
  for (size_t i = 0; i < row.size(); i++) row[i] = static_cast<std::byte>(i);
  ASSERT_EQ(row_words(DType::q8_0, 64), 17);
  std::vector<uint32_t> strip(static_cast<size_t>(17 * kStripRows));
  weave_strip(DType::q8_0, row.data(), 1, 64, strip.data());
  EXPECT_EQ(strip[0], 0x05040302U);                // numbers 0 ... 3 of block 0
  EXPECT_EQ(strip[8 * kStripRows], 0x27262524U);   // and of block 1
  EXPECT_EQ(strip[16 * kStripRows], 0x23220100U);  // both scales
}

TEST(WeightWordsTest, WordsOfARow) {
  EXPECT_EQ(row_words(DType::f16, 5), 3);
  EXPECT_EQ(row_words(DType::q8_0, 32), 9);
  EXPECT_EQ(row_words(DType::q4_k, 512), 72);
  EXPECT_EQ(row_words(DType::q6_k, 512), 106);
  EXPECT_FALSE(matrix_type(DType::q4_0).has_value());
}

TEST(WeightWordsTest, ChunksKeepTheOrderOfTheSplit) {
  const Split split{{{{64, 104}, {0, 32}}, {{32, 64}}}};
  const std::vector<uint32_t> list = chunk_list(split);
  EXPECT_EQ(list, (std::vector<uint32_t>{9, 12, 13, 13, 13, 13, 13, 13, 13, 64 << 6 | 32,
                                         96 << 6 | 8, 0 << 6 | 32, 32 << 6 | 32}));
}

}  // namespace
}  // namespace troika::vulkan
