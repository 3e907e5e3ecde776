#include "engine/gumbel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace troika {
namespace {

// Written down once: a change of the hash changes every sampled text there is.
TEST(GumbelTest, TheHashIsWhatItWas) {
  EXPECT_EQ(gumbel_key(0, 0, 0), 2558736989570252433u);
  EXPECT_EQ(gumbel_key(42, 1, 1000), 4322348695480350792u);
  EXPECT_EQ(gumbel_uniform(gumbel_key(42, 1, 1000), TokenId{7}), 0.32956509433698555);
}

TEST(GumbelTest, EveryArgumentMatters) {
  std::set<uint64_t> keys;
  for (uint64_t seed : {0ull, 1ull, ~0ull})
    for (int32_t choice : {0, 1, 2})
      for (int64_t position : {0, 1, 2, 1 << 20}) keys.insert(gumbel_key(seed, choice, position));
  EXPECT_EQ(keys.size(), 36u);
}

TEST(GumbelTest, UniformStaysInsideTheOpenInterval) {
  double low = 1, high = 0, sum = 0;
  constexpr int kDraws = 200000;
  const uint64_t key = gumbel_key(1, 0, 0);
  for (int i = 0; i < kDraws; i++) {
    const double u = gumbel_uniform(key, TokenId{i});
    low = std::min(low, u);
    high = std::max(high, u);
    sum += u;
  }
  EXPECT_GT(low, 0);
  EXPECT_LT(high, 1);
  EXPECT_LT(low, 1e-4);
  EXPECT_GT(high, 1 - 1e-4);
  EXPECT_NEAR(sum / kDraws, 0.5, 0.003);  // 4.6 standard errors
}

// Mean of the standard Gumbel distribution: Euler's constant; variance: pi^2 / 6. One id over many
// positions, so that keys are tested, not ids only.
TEST(GumbelTest, NoiseHasTheMomentsOfTheDistribution) {
  constexpr int kDraws = 200000;
  double sum = 0, squares = 0;
  for (int i = 0; i < kDraws; i++) {
    const double g = gumbel_noise(gumbel_uniform(gumbel_key(7, 0, i), TokenId{3}));
    sum += g;
    squares += g * g;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 0.5772156649, 0.013);                            // 4.5 standard errors
  EXPECT_NEAR(squares / kDraws - mean * mean, 1.6449340668, 0.035);  // 4.5 standard errors
}

TEST(GumbelTest, TheLimitHoldsEverywhereAndIsNear) {
  for (int i = 0; i < 100000; i++) {
    const double u = gumbel_uniform(5, TokenId{i});
    ASSERT_GE(gumbel_limit(u), gumbel_noise(u)) << u;
  }
  for (int k = 1; k <= 53; k++) {
    const double u = 1 - std::ldexp(1.0, -k);
    EXPECT_GE(gumbel_limit(u), gumbel_noise(u)) << k;
    EXPECT_LE(gumbel_limit(u), gumbel_noise(u) + 1.1) << k;
    EXPECT_GE(gumbel_limit(std::nextafter(u, 0)), gumbel_noise(std::nextafter(u, 0))) << k;
  }
  EXPECT_GE(gumbel_limit(0x1p-53), gumbel_noise(0x1p-53));
}

}  // namespace
}  // namespace troika
