#include "engine/logprobs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace troika {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<int> ids(const ChosenLogprob& chosen) {
  std::vector<int> list;
  for (const TokenLogprob& entry : chosen.top) list.push_back(static_cast<int>(entry.id));
  return list;
}

TEST(LogprobsTest, AreThoseOfTheSoftmax) {
  Logprobs logprobs;
  const std::vector<float> row = {1, 3, 2, -1};
  double sum = 0;
  for (const double l : row) sum += std::exp(l);
  const ChosenLogprob chosen = logprobs.of(row, TokenId{2}, 4);
  EXPECT_EQ(chosen.token.id, TokenId{2});
  EXPECT_NEAR(chosen.token.logprob, std::log(std::exp(2.0) / sum), 1e-15);
  EXPECT_EQ(ids(chosen), (std::vector{1, 2, 0, 3}));
  double total = 0;
  for (const TokenLogprob& entry : chosen.top) total += std::exp(entry.logprob);
  EXPECT_NEAR(total, 1, 1e-15);
  EXPECT_EQ(chosen.top[1].logprob, chosen.token.logprob);
}

TEST(LogprobsTest, HugeLogitsLoseNothing) {
  Logprobs logprobs;
  const ChosenLogprob chosen = logprobs.of(std::vector<float>{3e38f, 3e38f, 0}, TokenId{1}, 3);
  EXPECT_NEAR(chosen.token.logprob, -std::log(2), 1e-15);
  EXPECT_LT(chosen.top[2].logprob, -1e38);
}

TEST(LogprobsTest, OddNumbersAreImpossibleOrLargest) {
  Logprobs logprobs;
  const std::vector<float> row = {kNan, kInfinity, -kInfinity, 5};
  EXPECT_EQ(logprobs.of(row, TokenId{1}, 0).token.logprob, 0);
  for (const int id : {0, 2}) EXPECT_EQ(logprobs.of(row, TokenId{id}, 0).token.logprob, -kInfinity);
  EXPECT_EQ(ids(logprobs.of(row, TokenId{1}, 4)), (std::vector{1, 3, 0, 2}));
  const std::vector<float> hopeless = {kNan, -kInfinity};
  EXPECT_EQ(logprobs.of(hopeless, TokenId{0}, 1).token.logprob, -kInfinity);
  EXPECT_EQ(logprobs.of(hopeless, TokenId{0}, 1).top[0].logprob, -kInfinity);
}

TEST(LogprobsTest, TopIsTheFrontOfAFullSort) {
  std::mt19937 random(2);
  Logprobs logprobs;
  for (int round = 0; round < 50; round++) {
    std::vector<float> row(200);
    for (float& l : row) l = static_cast<float>(random() % 40);  // many equals
    std::vector<int> order(row.size());
    for (size_t i = 0; i < order.size(); i++) order[i] = static_cast<int>(i);
    std::ranges::stable_sort(order, [&](int a, int b) {
      return row[static_cast<size_t>(a)] > row[static_cast<size_t>(b)];
    });
    for (const int count : {1, 5, 200, 999}) {
      const auto size = static_cast<size_t>(std::min(count, 200));
      const std::vector<int> front(order.begin(), order.begin() + static_cast<int64_t>(size));
      EXPECT_EQ(ids(logprobs.of(row, TokenId{0}, count)), front);
    }
  }
}

}  // namespace
}  // namespace troika
