#include "device/cpu/kernels/elementwise.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "device/cpu/kernels/kernels_under_test.h"

namespace troika::cpu {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

/// Relative to `want`, or to the smallest normal number below it.
double relative_error(float got, double want) {
  const double size = std::max(std::abs(want), 1.18e-38);
  return std::abs(static_cast<double>(got) - want) / size;
}

TEST(ElementwiseTest, SigmoidAndSiluAreGoodToAFewRoundoffs) {
  for (const KernelTable& table : kernels_under_test())
    for (float x = -86; x < 86; x += 0.0173F) {
      float y = 0;
      const float one = 1;
      table.elementwise.gate_sigmoid(&one, &x, &y, 1);
      EXPECT_LT(relative_error(y, sigmoid(x)), 4e-7) << x;
      table.elementwise.gate_silu(&one, &x, &y, 1);
      EXPECT_LT(relative_error(y, x * sigmoid(x)), 5e-7) << x;
    }
}

TEST(ElementwiseTest, ExtremesSaturate) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float gate[4] = {-kInfinity, -1e30F, 1e30F, kInfinity};
  const float want[4] = {0, 0, 1, 1};
  const float one[4] = {1, 1, 1, 1};
  for (const KernelTable& table : kernels_under_test()) {
    float y[4];
    table.elementwise.gate_sigmoid(one, gate, y, 4);
    for (int i = 0; i < 4; i++) EXPECT_NEAR(y[i], want[i], 1e-38) << i;
    const float nan = NAN;
    table.elementwise.gate_sigmoid(one, &nan, y, 1);
    EXPECT_TRUE(std::isnan(y[0]));
  }
}

TEST(ElementwiseTest, OneGateForAllMakesTheBitsOfEqualGates) {
  const auto x = normal_floats(37, 7);
  for (const KernelTable& table : kernels_under_test())
    for (const float gate : {-90.0F, -1.5F, 0.0F, 0.3F, 90.0F}) {
      const std::vector<float> gates(37, gate);
      const auto& k = table.elementwise;
      for (const auto& [one, many] :
           {std::pair(k.scale_sigmoid, k.gate_sigmoid), std::pair(k.scale_silu, k.gate_silu)}) {
        std::vector<float> got(38, 7);
        std::vector<float> want(38, 7);
        one(x.data(), gate, got.data(), 37);
        many(x.data(), gates.data(), want.data(), 37);
        EXPECT_EQ(got, want) << gate;
      }
    }
}

// A remainder runs the same steps as the body: where an element lies does not change its bits.
TEST(ElementwiseTest, PlaceDoesNotChangeBits) {
  const auto x = normal_floats(100, 1);
  const auto gate = normal_floats(100, 2);
  for (const KernelTable& table : kernels_under_test())
    for (const auto kernel :
         {table.elementwise.add, table.elementwise.gate_sigmoid, table.elementwise.gate_silu}) {
      std::vector<float> whole(100);
      kernel(x.data(), gate.data(), whole.data(), 100);
      for (int64_t count = 1; count < 40; count++) {
        std::vector<float> part(101, 7);
        const int64_t at = count % 7;
        kernel(x.data() + at, gate.data() + at, part.data(), count);
        for (int64_t i = 0; i < count; i++)
          EXPECT_EQ(std::bit_cast<uint32_t>(part[static_cast<size_t>(i)]),
                    std::bit_cast<uint32_t>(whole[static_cast<size_t>(at + i)]));
        EXPECT_EQ(part[static_cast<size_t>(count)], 7) << "wrote past the end";
      }
    }
}

TEST(ElementwiseTest, DeltaGates) {
  constexpr int64_t kHeads = 21;
  auto decay_in = normal_floats(kHeads, 3);
  decay_in[0] = 60;
  decay_in[1] = -60;
  const auto beta_in = normal_floats(kHeads, 4);
  const auto bias = normal_floats(kHeads, 5);
  std::vector<float> a = normal_floats(kHeads, 6);
  for (float& x : a) x = -std::abs(x);
  for (const KernelTable& table : kernels_under_test()) {
    std::vector<float> decay(kHeads);
    std::vector<float> beta(kHeads);
    table.elementwise.delta_gates({decay_in.data(), beta_in.data(), a.data(), bias.data(),
                                   decay.data(), beta.data(), kHeads});
    for (size_t h = 0; h < kHeads; h++) {
      const double x = static_cast<double>(decay_in[h]) + bias[h];
      const double softplus = std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
      EXPECT_NEAR(decay[h], std::exp(a[h] * softplus), 1e-6) << h;
      EXPECT_NEAR(beta[h], sigmoid(beta_in[h]), 1e-6) << h;
    }
  }
}

}  // namespace
}  // namespace troika::cpu
