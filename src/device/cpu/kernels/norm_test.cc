#include "device/cpu/kernels/norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "device/cpu/kernels/kernels_under_test.h"

namespace troika::cpu {
namespace {

constexpr int64_t kWidths[] = {1, 2, 15, 16, 17, 31, 48, 64, 100, 129, 1536};

double square_sum(const float* x, int64_t width) {
  double sum = 0;
  for (int64_t i = 0; i < width; i++) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

TEST(NormTest, RmsNormAgreesWithFloat64) {
  constexpr int64_t kUnits = 3;
  for (const KernelTable& table : kernels_under_test())
    for (const int64_t width : kWidths) {
      const auto x = normal_floats(kUnits * width, 1);
      const auto weight = normal_floats(width, 2);
      std::vector<float> y(x.size());
      table.norm.rms_norm({x.data(), weight.data(), y.data(), kUnits, width, 1e-5F});
      for (int64_t i = 0; i < kUnits * width; i++) {
        const double mean =
            square_sum(x.data() + i / width * width, width) / static_cast<double>(width);
        const double want = x[static_cast<size_t>(i)] / std::sqrt(mean + 1e-5) *
                            weight[static_cast<size_t>(i % width)];
        EXPECT_NEAR(y[static_cast<size_t>(i)], want, 1e-6 * (1 + std::abs(want))) << width;
      }
    }
}

TEST(NormTest, L2NormAgreesWithFloat64AndHasAFloor) {
  for (const KernelTable& table : kernels_under_test())
    for (const int64_t width : kWidths) {
      const auto x = normal_floats(width, 3);
      std::vector<float> y = x;
      table.norm.l2_norm({y.data(), y.data(), 1, width, 1e-6F, 0.25F});
      const double norm = std::sqrt(square_sum(x.data(), width));
      for (size_t i = 0; i < y.size(); i++) EXPECT_NEAR(y[i], x[i] / norm * 0.25, 1e-6) << width;
      std::vector<float> zero(static_cast<size_t>(width));
      table.norm.l2_norm({zero.data(), zero.data(), 1, width, 1e-6F, 1});
      for (const float value : zero) EXPECT_EQ(value, 0);
    }
}

}  // namespace
}  // namespace troika::cpu
