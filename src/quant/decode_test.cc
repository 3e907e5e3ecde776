// Blocks made by hand: each format with one scale and quants that can be followed on paper. The
// block vectors that reach every bit are in tests/quants.
#include "quant/decode.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "core/half.h"

namespace troika {
namespace {

// A block of `dtype`, all zero, to be filled by a test.
struct Block {
  explicit Block(DType type) : dtype(type), bytes(static_cast<size_t>(dtype_info(type).bytes)) {}

  Block& set(size_t at, int value) {
    bytes[at] = static_cast<std::byte>(value);
    return *this;
  }
  Block& half(size_t at, float value) {
    const uint16_t bits = f32_to_f16(value);
    return set(at, bits & 255).set(at + 1, bits >> 8);
  }
  std::vector<float> decoded() const {
    const int64_t elements = dtype_info(dtype).block;
    std::vector<float> values(static_cast<size_t>(elements), -99.0f);
    decode_row(dtype, bytes.data(), values.data(), elements);
    return values;
  }

  DType dtype;
  std::vector<std::byte> bytes;
};

TEST(Decode, Q4_0PutsHighNibblesInTheSecondHalf) {
  const auto y = Block(DType::q4_0).half(0, 0.5f).set(2, 0xf1).decoded();
  EXPECT_EQ(y[0], -3.5f);  // (1 - 8) 0.5
  EXPECT_EQ(y[16], 3.5f);  // (15 - 8) 0.5
  EXPECT_EQ(y[1], -4.0f);
}

TEST(Decode, Q4_1AddsItsMinimum) {
  const auto y = Block(DType::q4_1).half(0, 0.5f).half(2, -1.0f).set(4, 0x23).decoded();
  EXPECT_EQ(y[0], 0.5f);
  EXPECT_EQ(y[16], 0.0f);
  EXPECT_EQ(y[31], -1.0f);
}

TEST(Decode, Q5_0TakesTheFifthBitFromItsWord) {
  const auto y = Block(DType::q5_0).half(0, 2.0f).set(2, 1).set(5, 0x80).set(6, 0x02).decoded();
  EXPECT_EQ(y[0], 4.0f);   // (2 + 16 - 16) 2
  EXPECT_EQ(y[31], 0.0f);  // bit 31
  EXPECT_EQ(y[1], -32.0f);
}

TEST(Decode, Q5_1AddsItsMinimum) {
  const auto y = Block(DType::q5_1).half(0, 2.0f).half(2, 1.0f).set(4, 1).set(8, 0x02).decoded();
  EXPECT_EQ(y[0], 37.0f);
  EXPECT_EQ(y[1], 1.0f);
}

TEST(Decode, Q8_0IsSigned) {
  const auto y = Block(DType::q8_0).half(0, 0.25f).set(2, 127).set(33, 0x80).decoded();
  EXPECT_EQ(y[0], 31.75f);
  EXPECT_EQ(y[31], -32.0f);
}

TEST(Decode, Q2_KTakesQuartersFromBitPairs) {
  const auto y = Block(DType::q2_k)
                     .half(80, 1.0f)
                     .half(82, 0.5f)
                     .set(2, 0x13)   // group 2: scale 3, min 1
                     .set(16, 0x0c)  // byte 0: value 32 is 3
                     .decoded();
  EXPECT_EQ(y[32], 8.5f);
  EXPECT_EQ(y[33], -0.5f);
  EXPECT_EQ(y[0], 0.0f);
}

TEST(Decode, Q3_KSubtractsFourWithoutTheHighBit) {
  const auto y = Block(DType::q3_k)
                     .half(108, 1.0f)
                     .set(96, 0x01)   // low nibble of group 0
                     .set(104, 0x02)  // upper bits of group 0: scale 1 + 32 - 32
                     .set(0, 0x01)    // high bit of value 0
                     .set(32, 0x03)
                     .decoded();
  EXPECT_EQ(y[0], 3.0f);
  EXPECT_EQ(y[1], -4.0f);
  EXPECT_EQ(y[16], 128.0f);  // scale -32, q -4
}

TEST(Decode, Q4_KSplitsItsSixBitScales) {
  const auto y = Block(DType::q4_k)
                     .half(0, 1.0f)
                     .half(2, 1.0f)
                     .set(4, 0x80)   // upper bits of scale 4: 2
                     .set(8, 0x40)   // upper bits of min 4: 1
                     .set(12, 0x35)  // scale 4: 5 + 32, min 4: 3 + 16
                     .set(16 + 64, 0x02)
                     .decoded();
  EXPECT_EQ(y[128], 37.0f * 2 - 19.0f);
  EXPECT_EQ(y[129], -19.0f);
  EXPECT_EQ(y[0], 0.0f);
}

TEST(Decode, Q5_KTakesTheFifthBitByGroup) {
  const auto y = Block(DType::q5_k)
                     .half(0, 1.0f)
                     .half(2, 1.0f)
                     .set(5, 2)      // scale of group 1
                     .set(9, 3)      // min of group 1
                     .set(16, 0x02)  // fifth bit of lane 0, group 1
                     .set(48, 0x10)  // high nibble: group 1
                     .decoded();
  EXPECT_EQ(y[32], 2.0f * 17 - 3.0f);
  EXPECT_EQ(y[33], -3.0f);
}

TEST(Decode, Q6_KScalesAreSigned) {
  const auto y = Block(DType::q6_k)
                     .half(208, 0.5f)
                     .set(192, 0xfe)  // scale of group 0: -2
                     .set(0, 0x01)
                     .set(128, 0x03)
                     .decoded();
  EXPECT_EQ(y[0], -17.0f);  // (1 + 48 - 32) (0.5 * -2)
  EXPECT_EQ(y[1], 32.0f);
}

TEST(Decode, Iq4FormatsIndexOneTable) {
  const auto nl = Block(DType::iq4_nl).half(0, 2.0f).set(2, 0xf7).decoded();
  EXPECT_EQ(nl[0], -20.0f);
  EXPECT_EQ(nl[16], 226.0f);
  const auto xs = Block(DType::iq4_xs)
                      .half(0, 1.0f)
                      .set(2, 0x08)  // upper bits of group 1: 2
                      .set(4, 0x10)  // low nibble of group 1: 1, scale 33 - 32
                      .set(24, 0x98)
                      .decoded();
  EXPECT_EQ(xs[32], 1.0f);
  EXPECT_EQ(xs[48], 13.0f);
  EXPECT_EQ(xs[0], 32.0f * 127);
}

TEST(Decode, Mxfp4HalvesItsScale) {
  const auto y = Block(DType::mxfp4).set(0, 128).set(1, 0xf7).decoded();
  EXPECT_EQ(y[0], 12.0f);  // 6 doubled, 2^(128 - 128)
  EXPECT_EQ(y[16], -12.0f);
  EXPECT_EQ(Block(DType::mxfp4).set(0, 0).set(1, 1).decoded()[0], 0x1p-128f);
}

TEST(Decode, RowsAreBlocksOneAfterAnother) {
  Block two(DType::q8_0);
  two.bytes.resize(68);
  two.half(0, 1.0f).half(34, 2.0f).set(2, 5).set(36, 7);
  std::array<float, 64> y;
  decode_row(DType::q8_0, two.bytes.data(), y.data(), 64);
  EXPECT_EQ(y[0], 5.0f);
  EXPECT_EQ(y[32], 14.0f);
}

TEST(Decode, TypesWithoutDecoderAreABugOfTheCaller) {
  EXPECT_DEATH(Block(DType::tq1_0).decoded(), "decodes");
}

TEST(CheckFinite, FindsTheFirstBadValue) {
  std::vector<float> values(3000, 1.0f);
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  EXPECT_TRUE(check_finite(DType::f32, bytes, 3000, "t").ok());
  values[2500] = INFINITY;
  const Status status = check_finite(DType::f32, bytes, 3000, "t\n");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::corrupt);
  EXPECT_EQ(status.error().message(), "t\\x0a: value 2500 of 3000 is inf, want finite f32 data");
}

TEST(CheckFinite, FindsBadScalesEvenOfZeroQuants) {
  for (const DType dtype : {DType::q4_0, DType::q8_0, DType::iq4_nl, DType::f16}) {
    for (const float scale : {INFINITY, NAN}) {
      const Block block = Block(dtype).half(0, scale);
      EXPECT_FALSE(check_finite(dtype, block.bytes.data(), dtype_info(dtype).block, "t").ok());
    }
  }
  const Block q6_k = Block(DType::q6_k).half(208, INFINITY);
  EXPECT_FALSE(check_finite(DType::q6_k, q6_k.bytes.data(), 256, "t").ok());
}

// The bits of every scale, and every exponent of mxfp4, with codes that make values large.
TEST(SurelyFinite, IsWhatDecodingSaysOfEveryScale) {
  struct Scale {
    DType dtype;
    size_t at;
  };
  const Scale scales[] = {
      {DType::q4_0, 0},   {DType::q4_1, 0},   {DType::q4_1, 2},   {DType::q5_0, 0},
      {DType::q5_1, 0},   {DType::q5_1, 2},   {DType::q8_0, 0},   {DType::q2_k, 80},
      {DType::q2_k, 82},  {DType::q3_k, 108}, {DType::q4_k, 0},   {DType::q4_k, 2},
      {DType::q5_k, 0},   {DType::q5_k, 2},   {DType::q6_k, 208}, {DType::iq4_nl, 0},
      {DType::iq4_xs, 0}, {DType::f16, 0},    {DType::bf16, 0}};
  for (const auto& [dtype, at] : scales)
    for (const int bits :
         {0x0000, 0x3c00, 0x7bff, 0x7c00, 0x7e01, 0x7f80, 0xfbff, 0xfc00, 0xffff}) {
      Block block(dtype);
      for (std::byte& byte : block.bytes) byte = std::byte{0x77};
      block.set(at, bits & 255).set(at + 1, bits >> 8);
      bool finite = true;
      for (const float value : block.decoded()) finite &= std::isfinite(value);
      EXPECT_EQ(surely_finite(dtype, block.bytes.data(), dtype_info(dtype).block), finite)
          << dtype_info(dtype).name << " " << at << " " << bits;
    }
  for (int e = 0; e < 256; e++) {
    Block block(DType::mxfp4);
    for (std::byte& byte : block.bytes) byte = std::byte{0x77};  // 12, the largest
    bool finite = true;
    for (const float value : block.set(0, e).decoded()) finite &= std::isfinite(value);
    EXPECT_EQ(surely_finite(DType::mxfp4, block.bytes.data(), 32), finite) << e;
  }
}

TEST(SurelyFinite, LooksAtEveryFloat) {
  for (const int64_t count : {1, 63, 64, 65, 200})
    for (int64_t bad = 0; bad < count; bad++) {
      std::vector<float> values(static_cast<size_t>(count), -3.0e38f);
      const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
      ASSERT_TRUE(surely_finite(DType::f32, bytes, count));
      values[static_cast<size_t>(bad)] = bad % 2 == 0 ? NAN : -INFINITY;
      ASSERT_FALSE(surely_finite(DType::f32, bytes, count)) << bad << " of " << count;
    }
}

// A block whose codes are all zero may decode to finite values under any scale: mxfp4 does.
TEST(CheckFinite, DecidesWhereTheScalesLeaveItOpen) {
  const Block block = Block(DType::mxfp4).set(0, 255);
  EXPECT_FALSE(surely_finite(DType::mxfp4, block.bytes.data(), 32));
  EXPECT_TRUE(check_finite(DType::mxfp4, block.bytes.data(), 32, "t").ok());
}

}  // namespace
}  // namespace troika
