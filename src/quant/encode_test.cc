// decode(encode(x)) against x, for rows that are easy, and for rows that break encoders. The bounds
// are the formats' own: half a step where a block has one scale of its largest value, measured
// root mean squares (with a margin of a tenth) where a search decides.
#include "quant/encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "quant/decode.h"

namespace troika {
namespace {

constexpr int64_t kElements = 1024;

std::vector<DType> encodable() {
  std::vector<DType> types;
  for (const DTypeInfo& info : dtypes())
    if (info.encodes) types.push_back(*dtype_from_gguf(info.gguf_id));
  return types;
}

bool has_scales(DType dtype) {
  return dtype_info(dtype).block > 1;
}

std::vector<float> through(DType dtype, const std::vector<float>& x) {
  const auto elements = static_cast<int64_t>(x.size());
  std::vector<std::byte> bytes(static_cast<size_t>(dtype_bytes(dtype, elements)));
  const Status status = encode_row(dtype, x, bytes.data());
  EXPECT_TRUE(status.ok()) << status.error().message();
  std::vector<float> y(x.size(), -99.0f);
  decode_row(dtype, bytes.data(), y.data(), elements);
  return y;
}

std::vector<float> gaussian(float deviation, uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> x(kElements);
  for (float& v : x) v = normal(random);
  return x;
}

double largest_error(const std::vector<float>& x, const std::vector<float>& y) {
  double largest = 0;
  for (size_t i = 0; i < x.size(); i++)
    largest = std::max(largest, std::abs(double{x[i]} - double{y[i]}));
  return largest;
}

/// Root mean square of the error over that of `x`.
double relative_error(const std::vector<float>& x, const std::vector<float>& y) {
  double error = 0, total = 0;
  for (size_t i = 0; i < x.size(); i++) {
    error += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
    total += double{x[i]} * x[i];
  }
  return std::sqrt(error / total);
}

/// What a gaussian row may lose: a format of b bits has a step of about 2^(1 - b) of a block's
/// largest value, and loses step / sqrt(12).
double gaussian_bound(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return 0;
    case DType::f16:
      return 0x1p-12;
    case DType::bf16:
      return 0x1p-9;
    case DType::q8_0:
      return 0.0062;
    case DType::q6_k:
      return 0.019;
    case DType::q5_k:
      return 0.039;
    case DType::q4_k:
      return 0.078;
    case DType::q4_0:
      return 0.088;
    default:
      ADD_FAILURE() << "no bound for " << dtype_info(dtype).name;
      return 0;
  }
}

TEST(Encode, GaussianRowsLoseNoMoreThanTheFormatMust) {
  for (const DType dtype : encodable())
    for (const float deviation : {0.02f, 1.0f, 300.0f}) {
      const std::vector<float> x = gaussian(deviation);
      EXPECT_LE(relative_error(x, through(dtype, x)), gaussian_bound(dtype))
          << dtype_info(dtype).name << " at " << deviation;
    }
}

TEST(Encode, Q8_0StaysWithinHalfAStep) {
  const std::vector<float> x = gaussian(1);
  const std::vector<float> y = through(DType::q8_0, x);
  for (size_t block = 0; block < x.size(); block += 32) {
    float top = 0;
    for (size_t i = block; i < block + 32; i++) top = std::max(top, std::abs(x[i]));
    for (size_t i = block; i < block + 32; i++)
      EXPECT_LE(std::abs(x[i] - y[i]), top / 127 * 0.502 + top / 2048) << i;
  }
}

TEST(Encode, ConstantRowsKeepTheirValue) {
  for (const DType dtype : encodable())
    for (const float value : {1.0f, -1.0f, 0.037f, -250.0f}) {
      const std::vector<float> x(kElements, value);
      // Two roundings to a half or eight bits: d, and the product of scales.
      EXPECT_LE(relative_error(x, through(dtype, x)), 0.004) << dtype_info(dtype).name << value;
    }
}

TEST(Encode, ZeroStaysZero) {
  for (const DType dtype : encodable()) {
    const std::vector<float> zero(kElements, 0.0f);
    EXPECT_EQ(through(dtype, zero), zero) << dtype_info(dtype).name;
    // So do whole groups of zeros beside others: paths that carry nothing rely on it.
    std::vector<float> mixed = gaussian(1);
    std::fill(mixed.begin() + 64, mixed.begin() + 256, 0.0f);
    const std::vector<float> y = through(dtype, mixed);
    for (size_t i = 64; i < 256; i++) EXPECT_EQ(y[i], 0.0f) << dtype_info(dtype).name << " " << i;
  }
}

TEST(Encode, TinyAndDenormalRowsStayNearZero) {
  constexpr double kHalfMin = 0x1p-24;
  for (const DType dtype : encodable())
    for (const float deviation : {1e-5f, 1e-7f, 1e-10f, 1e-30f, 1e-39f}) {
      const std::vector<float> x = gaussian(deviation);
      const std::vector<float> y = through(dtype, x);
      const double top =
          std::abs(*std::ranges::max_element(x, {}, [](float v) { return std::abs(v); }));
      // Scales are multiples of 2^-24, in K formats times up to 63 steps of offset.
      EXPECT_LE(largest_error(x, y), std::min(top, 16 * kHalfMin + 0.3 * top) * 1.001)
          << dtype_info(dtype).name << " at " << deviation;
    }
}

TEST(Encode, HugeRowsWork) {
  for (const DType dtype : encodable()) {
    std::vector<float> x = gaussian(10000);
    for (float& v : x) v = std::clamp(v, -65504.0f, 65504.0f);
    x[7] = 65504;
    x[300] = -65504;
    EXPECT_LE(relative_error(x, through(dtype, x)), 2 * gaussian_bound(dtype))
        << dtype_info(dtype).name;
  }
}

TEST(Encode, AnOutlierKeepsItsSizeAndSpoilsOnlyItsBlock) {
  for (const DType dtype : encodable()) {
    std::vector<float> x = gaussian(0.01f);
    x[300] = 10;
    const std::vector<float> y = through(dtype, x);
    EXPECT_NEAR(y[300], 10, 10.0 / 16) << dtype_info(dtype).name;
    for (const float v : y) ASSERT_TRUE(std::isfinite(v));
    const auto block = static_cast<size_t>(dtype_info(dtype).block);
    const size_t end = (300 / block + 1) * block;
    EXPECT_LE(relative_error({x.begin() + static_cast<int64_t>(end), x.end()},
                             {y.begin() + static_cast<int64_t>(end), y.end()}),
              1.1 * gaussian_bound(dtype));
  }
}

TEST(Encode, RowsOfOneSignWork) {
  for (const DType dtype : encodable())
    for (const float sign : {1.0f, -1.0f}) {
      std::vector<float> x = gaussian(1);
      for (float& v : x) v = sign * (std::abs(v) + 3);
      EXPECT_LE(relative_error(x, through(dtype, x)), 0.06) << dtype_info(dtype).name << sign;
    }
}

TEST(Encode, RefusesWhatIsNotFiniteOrTooLarge) {
  for (const DType dtype : encodable())
    for (const float bad :
         {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
          std::numeric_limits<float>::quiet_NaN()}) {
      std::vector<float> x = gaussian(1);
      x[513] = bad;
      std::vector<std::byte> bytes(static_cast<size_t>(dtype_bytes(dtype, kElements)),
                                   std::byte{0x5a});
      const std::vector<std::byte> before = bytes;
      const Status status = encode_row(dtype, x, bytes.data());
      ASSERT_FALSE(status.ok());
      EXPECT_EQ(status.error().code(), ErrorCode::invalid_argument);
      EXPECT_NE(status.error().message().find("value 513 of 1024"), std::string::npos);
      EXPECT_EQ(bytes, before);
      if (!has_scales(dtype)) continue;
      x[513] = 65536;
      EXPECT_FALSE(encode_row(dtype, x, bytes.data()).ok());
    }
}

TEST(Encode, IsAFunctionOfTheValues) {
  for (const DType dtype : encodable()) {
    const std::vector<float> x = gaussian(1);
    const auto half = static_cast<size_t>(kElements / 2);
    std::vector<std::byte> whole(static_cast<size_t>(dtype_bytes(dtype, kElements)));
    std::vector<std::byte> parts(whole.size());
    ASSERT_TRUE(encode_row(dtype, x, whole.data()).ok());
    ASSERT_TRUE(encode_row(dtype, std::span(x).first(half), parts.data()).ok());
    ASSERT_TRUE(
        encode_row(dtype, std::span(x).subspan(half), parts.data() + parts.size() / 2).ok());
    EXPECT_EQ(whole, parts) << dtype_info(dtype).name;
  }
}

}  // namespace
}  // namespace troika
