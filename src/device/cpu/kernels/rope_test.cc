#include "device/cpu/kernels/rope.h"

#include <gtest/gtest.h>

#include <cmath>

#include "device/cpu/kernels/kernels_under_test.h"
#include "device/cpu/rope_table.h"

namespace troika::cpu {
namespace {

TEST(RopeTableTest, CosineAndSineAreGoodToTenDigitsUpToLongContexts) {
  for (int64_t i = 0; i < 200000; i++) {
    const double angle = static_cast<double>(i) * 5.123456789 - 100;
    const CosineSine turn = cosine_sine(angle);
    ASSERT_NEAR(turn.cosine, std::cos(angle), 1e-13) << angle;
    ASSERT_NEAR(turn.sine, std::sin(angle), 1e-13) << angle;
  }
  EXPECT_TRUE(std::isnan(cosine_sine(1e300).cosine));
  EXPECT_TRUE(std::isnan(cosine_sine(NAN).sine));
}

TEST(RopeTest, BothPairingsAgreeWithFloat64) {
  constexpr int64_t kUnits = 2;
  for (const KernelTable& table : kernels_under_test())
    for (const RopePairs pairs : {RopePairs::halves, RopePairs::adjacent})
      for (const int64_t dims : {2, 6, 16, 34, 64})
        for (const int64_t width : {dims, dims + 5}) {
          RopeOptions options{.pairs = pairs, .magnitude = 1.5F};
          for (int64_t i = 0; i < dims / 2; i++)
            options.frequencies.push_back(std::pow(10000, -2.0 * static_cast<double>(i) / dims));
          const RopeAngles angles(options);
          std::vector<float> cosine(static_cast<size_t>(angles.row_floats()));
          std::vector<float> sine(cosine.size());
          angles.fill(777777, cosine.data(), sine.data());
          const auto x = normal_floats(kUnits * width, 5);
          std::vector<float> y(x.size());
          const auto kernel =
              pairs == RopePairs::halves ? table.rope.rotate_halves : table.rope.rotate_adjacent;
          kernel({x.data(), y.data(), cosine.data(), sine.data(), kUnits, width, dims});
          for (int64_t u = 0; u < kUnits; u++) {
            const auto at = [&](int64_t i) { return static_cast<size_t>(u * width + i); };
            for (int64_t i = 0; i < dims / 2; i++) {
              const size_t a = at(pairs == RopePairs::halves ? i : 2 * i);
              const size_t b = at(pairs == RopePairs::halves ? i + dims / 2 : 2 * i + 1);
              const double angle = 777777 * options.frequencies[static_cast<size_t>(i)];
              EXPECT_NEAR(y[a], 1.5 * (x[a] * std::cos(angle) - x[b] * std::sin(angle)), 2e-6);
              EXPECT_NEAR(y[b], 1.5 * (x[a] * std::sin(angle) + x[b] * std::cos(angle)), 2e-6);
            }
            for (int64_t i = dims; i < width; i++) EXPECT_EQ(y[at(i)], x[at(i)]);
          }
        }
}

}  // namespace
}  // namespace troika::cpu
