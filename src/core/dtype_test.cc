#include "core/dtype.h"

#include <gtest/gtest.h>

#include "core/half.h"

namespace troika {
namespace {

TEST(DTypeTest, EveryRowIsFoundByItsGgufId) {
  for (size_t i = 0; i < dtypes().size(); i++)
    EXPECT_EQ(dtype_from_gguf(dtypes()[i].gguf_id), static_cast<DType>(i)) << dtypes()[i].name;
}

TEST(DTypeTest, UnknownAndRemovedIdsAreNotTypes) {
  for (const uint32_t id : {4u, 5u, 31u, 36u, 43u, 139u, 0xffffffffu})
    EXPECT_FALSE(dtype_from_gguf(id).has_value()) << id;
}

TEST(DTypeTest, BytesCountWholeBlocks) {
  EXPECT_EQ(dtype_bytes(DType::q4_k, 512), 288);
  EXPECT_EQ(dtype_bytes(DType::f32, 3), 12);
}

TEST(HalfTest, EveryHalfSurvivesTheRoundTrip) {
  for (uint32_t h = 0; h < 0x10000; h++) {
    const bool nan = (h & 0x7c00) == 0x7c00 && (h & 0x3ff) != 0;
    if (nan) continue;
    EXPECT_EQ(f32_to_f16(f16_to_f32(static_cast<uint16_t>(h))), h);
  }
}

TEST(HalfTest, RoundsToNearestEven) {
  EXPECT_EQ(f32_to_f16(2049.0f), 0x6800);   // tie between 2048 and 2050 goes to the even mantissa
  EXPECT_EQ(f32_to_f16(2051.0f), 0x6802);   // tie between 2050 and 2052
  EXPECT_EQ(f32_to_f16(65519.0f), 0x7bff);  // the last float that does not overflow
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(0x1p-25f), 0x0000);  // tie with zero
  EXPECT_EQ(f32_to_f16(0x1.8p-25f), 0x0001);
}

}  // namespace
}  // namespace troika
