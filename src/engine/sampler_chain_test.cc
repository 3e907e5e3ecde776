#include "engine/sampler_chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "engine/gumbel.h"

namespace troika {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Loaded and penalised.
void load(Candidates& candidates, const std::vector<float>& logits, const SamplingOptions& options,
          std::span<const TokenCount> history, size_t wanted) {
  candidates.load(logits, {.bias = options.logit_bias, .history = history}, wanted);
  candidates.penalise(history, options);
}

Candidates loaded(const std::vector<float>& logits) {
  Candidates candidates;
  load(candidates, logits, {}, {}, Candidates::kAll);
  return candidates;
}

std::vector<int> ids(const Candidates& candidates) {
  std::vector<int> result;
  for (const auto& [id, p] : candidates.probabilities()) result.push_back(static_cast<int>(id));
  return result;
}

// Many equal values, so that every cut goes through ties.
std::vector<float> coarse_logits(size_t count) {
  std::mt19937 random(5);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = static_cast<float>(random() % 50) / 4;
  return logits;
}

TEST(CandidatesTest, NanAndMinusInfinityAreDropped) {
  EXPECT_EQ(ids(loaded({kNan, 1, -kInfinity, 2})), (std::vector<int>{3, 1}));
  EXPECT_TRUE(loaded({kNan, -kInfinity}).items().empty());
}

TEST(CandidatesTest, PlusInfinityIsAFiniteWinner) {
  Candidates candidates = loaded({0, kInfinity, 5, kInfinity});
  const SamplingOptions options;
  run_steps(kSamplerOrder, {options}, candidates);
  EXPECT_EQ(ids(candidates), (std::vector<int>{1, 3}));
  EXPECT_DOUBLE_EQ(candidates.probabilities()[0].second, 0.5);
}

TEST(CandidatesTest, BiasAddsAndForbids) {
  SamplingOptions options;
  options.logit_bias = {{TokenId{0}, 1}, {TokenId{0}, 1}, {TokenId{1}, -HUGE_VAL}};
  Candidates candidates;
  load(candidates, {0, 0, 0}, options, {}, Candidates::kAll);
  EXPECT_EQ(ids(candidates), (std::vector<int>{0, 2}));
  EXPECT_NEAR(candidates.probabilities()[0].second, 1 / (1 + std::exp(-2.0)), 1e-12);
}

TEST(CandidatesTest, PenaltiesDivideAboveZeroAndMultiplyBelow) {
  SamplingOptions options;
  options.repeat_penalty = 2;
  options.frequency_penalty = 0.5;
  options.presence_penalty = 0.25;
  const TokenCount history[] = {{TokenId{0}, 1}, {TokenId{1}, 2}, {TokenId{2}, 3}};
  Candidates candidates;
  load(candidates, {2, -2, 0, 1}, options, history, Candidates::kAll);
  EXPECT_DOUBLE_EQ(candidates.items()[0].logit, 1 - 0.5 - 0.25);
  EXPECT_DOUBLE_EQ(candidates.items()[1].logit, -4 - 1.0 - 0.25);
  EXPECT_DOUBLE_EQ(candidates.items()[2].logit, 0 - 1.5 - 0.25);
  EXPECT_DOUBLE_EQ(candidates.items()[3].logit, 1);
}

// Loading only what can be among the k largest must give the same k as loading all, adjusted tokens
// and ties included.
TEST(CandidatesTest, LoadingTheLargestOnlyLosesNothing) {
  std::vector<float> logits = coarse_logits(3000);
  for (size_t i = 0; i < logits.size(); i += 17) logits[i] = i % 2 == 0 ? kNan : -kInfinity;
  SamplingOptions options;
  options.repeat_penalty = 1.5;
  options.presence_penalty = 0.5;
  options.frequency_penalty = -0.25;  // lifts some
  options.logit_bias = {
      {TokenId{17}, 20}, {TokenId{18}, 20}, {TokenId{19}, -20}, {TokenId{20}, -HUGE_VAL}};
  std::vector<TokenCount> history;
  for (int id = 3; id < 3000; id += 40) history.push_back({TokenId{id}, id % 20 + 1});
  for (const int k : {1, 2, 40, 200, 500}) {
    Candidates all, largest;
    load(all, logits, options, history, Candidates::kAll);
    load(largest, logits, options, history, static_cast<size_t>(k));
    EXPECT_LT(largest.items().size(), all.items().size());
    all.top_k(k, 0);
    largest.top_k(k, 0);
    EXPECT_EQ(all.probabilities(), largest.probabilities()) << k;
  }
}

// Every k, across the change from picking few to sorting all, against a full sort by (logit, id).
TEST(CandidatesTest, TopKCutsTiesByLowestId) {
  const std::vector<float> logits = coarse_logits(700);
  std::vector<int> order(logits.size());
  for (size_t i = 0; i < order.size(); i++) order[i] = static_cast<int>(i);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  });
  for (int k = 1; k <= 700; k += 3) {
    Candidates candidates = loaded(logits);
    candidates.top_k(k, 0);
    EXPECT_EQ(ids(candidates), std::vector<int>(order.begin(), order.begin() + k)) << k;
  }
}

TEST(CandidatesTest, AnAdjustedTokenIsNotTakenForItsNeighbour) {
  // Token 0 is left out, then joins at the end to be adjusted: as many candidates as tokens, not at
  // their own places.
  SamplingOptions options;
  options.logit_bias = {{TokenId{0}, 1}, {TokenId{4}, 2}};
  Candidates candidates;
  load(candidates, {kNan, 1, 2, 3, 4, 5, 6}, options, {}, 1);
  EXPECT_EQ(ids(candidates), (std::vector<int>{4, 6, 5, 3, 2, 1}));
}

TEST(CandidatesTest, StepsThatAreOffKeepAll) {
  Candidates candidates = loaded(coarse_logits(100));
  candidates.top_k(0, 0);
  candidates.typical_p(1, 0);
  candidates.top_p(1, 0);
  candidates.min_p(0, 0);
  EXPECT_EQ(candidates.items().size(), 100u);
}

TEST(CandidatesTest, MinKeepHoldsInEveryStep) {
  Candidates candidates = loaded({5, 0, 0, 0, 0});
  candidates.top_k(1, 4);
  EXPECT_EQ(candidates.items().size(), 4u);
  candidates.typical_p(0, 4);
  EXPECT_EQ(candidates.items().size(), 4u);
  candidates.top_p(0, 3);
  EXPECT_EQ(candidates.items().size(), 3u);
  candidates.min_p(1, 2);
  EXPECT_EQ(ids(candidates), (std::vector<int>{0, 1}));
}

// top-p over many candidates ranks in portions; the whole must equal the definition on a full sort.
TEST(CandidatesTest, TopPEqualsItsDefinitionOnLargeRows) {
  const std::vector<float> logits = coarse_logits(5000);
  const auto all = loaded(logits).probabilities();
  for (const double top : {0.0, 0.001, 0.2, 0.7, 0.99}) {
    size_t wanted = 0;
    double sum = 0;
    do sum += all[wanted++].second;
    while (sum < top);
    Candidates candidates = loaded(logits);
    candidates.top_p(top, 0);
    ASSERT_EQ(candidates.items().size(), wanted) << top;
    EXPECT_EQ(candidates.probabilities().back().first, all[wanted - 1].first) << top;
  }
}

TEST(CandidatesTest, TypicalCanDropTheMostLikely) {
  // Entropy 2.62 nats: -ln p of the many (2.83) is nearer to it than that of the first (1.1).
  std::vector<float> logits(12, 0);
  logits[0] = 1.7f;
  Candidates candidates = loaded(logits);
  candidates.typical_p(0.5, 0);
  EXPECT_EQ(ids(candidates), (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(CandidatesTest, ATinyTemperatureIsGreedyAndFinite) {
  Candidates candidates = loaded({1, 3, 3, 2});
  SamplingOptions options;
  options.temperature = std::numeric_limits<double>::denorm_min();
  candidates.temperature(options);
  EXPECT_DOUBLE_EQ(candidates.probabilities()[0].second, 0.5);
  EXPECT_DOUBLE_EQ(candidates.probabilities()[1].second, 0.5);
}

TEST(CandidatesTest, KeepBestTakesTheLowestIdOfEquals) {
  Candidates candidates = loaded({1, 3, 3, 2});
  candidates.keep_best();
  EXPECT_EQ(ids(candidates), (std::vector<int>{1}));
}

// Draws against probabilities: chi-square with 7 degrees of freedom stays under its 99.9 % point.
// Fixed seeds.
TEST(CandidatesTest, DrawsFollowTheProbabilities) {
  constexpr int kDraws = 40000;
  const Candidates candidates = loaded({2, 1, 0.5f, 0, -0.5f, 1, -2, 0.25f});
  const auto wanted = candidates.probabilities();
  for (uint64_t seed : {1, 2, 3}) {
    std::vector<int> seen(8);
    for (int position = 0; position < kDraws; position++)
      seen[static_cast<size_t>(candidates.draw(gumbel_key(seed, 0, position)))]++;
    double chi_square = 0;
    for (const auto& [id, p] : wanted) {
      const double difference = seen[static_cast<size_t>(id)] - p * kDraws;
      chi_square += difference * difference / (p * kDraws);
    }
    EXPECT_LT(chi_square, 24.32) << "seed " << seed;
  }
}

// Two choices of one seed are independent: the table of pairs, 9 - 1 degrees of freedom.
TEST(CandidatesTest, ChoicesDrawIndependently) {
  constexpr int kDraws = 40000;
  const Candidates candidates = loaded({0, 0, 0});
  std::vector<int> seen(9);
  for (int position = 0; position < kDraws; position++) {
    const auto a = static_cast<size_t>(candidates.draw(gumbel_key(9, 0, position)));
    const auto b = static_cast<size_t>(candidates.draw(gumbel_key(9, 1, position)));
    seen[a * 3 + b]++;
  }
  double chi_square = 0;
  for (const int count : seen) chi_square += std::pow(count - kDraws / 9.0, 2) / (kDraws / 9.0);
  EXPECT_LT(chi_square, 26.12);
}

}  // namespace
}  // namespace troika
