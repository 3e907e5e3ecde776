#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace troika {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Sampler made(const SamplingOptions& options, int64_t vocab, int32_t choice = 0,
             std::vector<TokenId> ends = {}) {
  return Sampler::make(options, choice, vocab, ends).value();
}

SamplingOptions greedy_options() {
  SamplingOptions options;
  options.temperature = 0;
  return options;
}

int sample(const Sampler& sampler, const std::vector<float>& logits, int64_t position = 0) {
  Candidates scratch;
  return static_cast<int>(sampler.sample(logits, position, scratch));
}

std::vector<float> random_logits(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

TEST(SamplerTest, GreedyTakesTheLowestIdOfEquals) {
  EXPECT_EQ(sample(made(greedy_options(), 5), {1, 4, 4, 0, 4}), 1);
}

TEST(SamplerTest, GreedyIgnoresTypical) {
  SamplingOptions options = greedy_options();
  options.typical_p = 0.5;
  std::vector<float> logits(12, 0);
  logits[11] = 1.7f;
  EXPECT_EQ(sample(made(options, 12), logits), 11);
}

TEST(SamplerTest, HopelessRowsGiveTokenZero) {
  EXPECT_EQ(sample(made({}, 3), {kNan, kNan, kNan}), 0);
  EXPECT_EQ(sample(made({}, 3), {-kInfinity, -kInfinity, -kInfinity}), 0);
  EXPECT_EQ(sample(made(greedy_options(), 3), {-kInfinity, kNan, -kInfinity}), 0);
}

TEST(SamplerTest, OddRowsGiveATokenOfTheVocabulary) {
  SamplingOptions all_on;
  all_on.typical_p = 0.9;
  all_on.dynatemp_range = 0.5;
  all_on.repeat_penalty = 1e6;
  all_on.frequency_penalty = -1e6;
  Sampler sampler = made(all_on, 4);
  for (int i = 0; i < 4; i++) sampler.accept(TokenId{i});
  const float values[] = {kNan, kInfinity, -kInfinity, 0, 1e30f, -3.4e38f};
  for (const float a : values)
    for (const float b : values)
      for (const float c : values) {
        const int id = sample(sampler, {a, b, c, a});
        EXPECT_TRUE(id >= 0 && id < 4);
      }
}

TEST(SamplerTest, ARowOfNansAndOneNumberGivesTheNumber) {
  EXPECT_EQ(sample(made({}, 4), {kNan, kNan, -1e30f, kNan}), 2);
}

// The promise: a row's token depends on seed, choice, position and history, not on what was sampled
// before.
TEST(SamplerTest, SamplingIsAFunctionOfSeedChoiceAndPosition) {
  SamplingOptions options;
  options.seed = 11;
  const std::vector<float> logits(50, 0);
  const Sampler sampler = made(options, 50);
  std::vector<int> forwards(40), backwards(40);
  for (int i = 0; i < 40; i++) forwards[static_cast<size_t>(i)] = sample(sampler, logits, i);
  for (int i = 39; i >= 0; i--) backwards[static_cast<size_t>(i)] = sample(sampler, logits, i);
  EXPECT_EQ(forwards, backwards);

  const auto differs = [&](const Sampler& other) {
    int count = 0;
    for (int i = 0; i < 40; i++)
      count += sample(other, logits, i) != forwards[static_cast<size_t>(i)];
    return count;
  };
  EXPECT_GT(differs(made(options, 50, 1)), 30);
  options.seed = 12;
  EXPECT_GT(differs(made(options, 50)), 30);
}

TEST(SamplerTest, AUsedScratchChangesNothing) {
  const Sampler sampler = made({}, 400);
  Candidates used;
  for (uint32_t i = 0; i < 20; i++) {
    const std::vector<float> logits = random_logits(400, i);
    EXPECT_EQ(static_cast<int>(sampler.sample(logits, i, used)), sample(sampler, logits, i));
  }
}

TEST(SamplerTest, ACopySeesTheSameNoiseAndItsOwnHistory) {
  SamplingOptions options;
  options.repeat_penalty = 1.5;
  options.repeat_last_n = 4;
  Sampler target = made(options, 30);
  Sampler drafter = target;
  const std::vector<float> logits = random_logits(30, 1);
  EXPECT_EQ(sample(target, logits, 5), sample(drafter, logits, 5));
  drafter.accept(TokenId{3});
  target.accept(TokenId{3});
  EXPECT_EQ(sample(target, logits, 6), sample(drafter, logits, 6));

  SamplingOptions plain = greedy_options();
  plain.presence_penalty = 100;
  Sampler original = made(plain, 2);
  Sampler copy = original;
  copy.accept(TokenId{0});
  EXPECT_EQ(sample(original, {1, 0}), 0);
  EXPECT_EQ(sample(copy, {1, 0}), 1);
  copy = original;
  EXPECT_EQ(sample(copy, {1, 0}), 0);
}

TEST(SamplerTest, HistoryForgetsWhatLeavesTheWindow) {
  SamplingOptions options = greedy_options();
  options.presence_penalty = 100;
  options.repeat_last_n = 2;
  Sampler sampler = made(options, 3);
  sampler.accept(TokenId{0});
  sampler.accept(TokenId{0});
  EXPECT_EQ(sample(sampler, {2, 1, 0}), 1);
  sampler.accept(TokenId{1});
  EXPECT_EQ(sample(sampler, {2, 1, 0}), 2);
  sampler.accept(TokenId{1});
  EXPECT_EQ(sample(sampler, {2, 1, 0}), 0);
}

TEST(SamplerTest, FrequencyCountsInTheWholeHistory) {
  SamplingOptions options = greedy_options();
  options.frequency_penalty = 0.01;
  options.repeat_last_n = -1;
  Sampler sampler = made(options, 2);
  for (int i = 0; i < 150; i++) sampler.accept(TokenId{0});
  EXPECT_EQ(sample(sampler, {1.6f, 0}), 0);
  for (int i = 0; i < 20; i++) sampler.accept(TokenId{0});
  EXPECT_EQ(sample(sampler, {1.6f, 0}), 1);
}

TEST(SamplerTest, IgnoreEosForbidsTheEndTokens) {
  SamplingOptions options = greedy_options();
  EXPECT_EQ(sample(made(options, 3, 0, {TokenId{2}}), {0, 1, 9}), 2);
  options.ignore_eos = true;
  EXPECT_EQ(sample(made(options, 3, 0, {TokenId{2}, TokenId{1}}), {0, 1, 9}), 0);
}

TEST(SamplerTest, EndTokensAreForbiddenBeforeTheirPosition) {
  const TokenId ends[] = {TokenId{2}};
  for (const double temperature : {0.0, 1.0}) {
    SamplingOptions options;
    options.temperature = temperature;
    options.logit_bias = {{TokenId{2}, 50}};
    const Sampler sampler = Sampler::make(options, 0, 3, ends, 7).value();
    for (int position = 0; position < 12; position++)
      EXPECT_EQ(sample(sampler, {0, 1, 9}, position) == 2, position >= 7) << position;
  }
  const Sampler greedy = Sampler::make(greedy_options(), 0, 3, ends, 7).value();
  EXPECT_FALSE(greedy.greedy(6));
  EXPECT_TRUE(greedy.greedy(7));
  EXPECT_TRUE(Sampler::make(greedy_options(), 0, 3, {}, 7).value().greedy(0));
}

TEST(SamplerTest, GreedySaysWhenAPlainArgmaxWouldDo) {
  EXPECT_FALSE(made({}, 3).greedy());
  EXPECT_TRUE(made(greedy_options(), 3).greedy());
  SamplingOptions options;
  options.top_k = 1;
  EXPECT_TRUE(made(options, 3).greedy());
  options.min_keep = 2;
  EXPECT_FALSE(made(options, 3).greedy());
  options = greedy_options();
  options.logit_bias = {{TokenId{1}, 1}};
  EXPECT_FALSE(made(options, 3).greedy());
  options = greedy_options();
  options.repeat_penalty = 1.1;
  EXPECT_FALSE(made(options, 3).greedy());
  options = greedy_options();
  options.ignore_eos = true;
  EXPECT_FALSE(made(options, 3, 0, {TokenId{1}}).greedy());
  EXPECT_TRUE(made(options, 3).greedy());
}

TEST(SamplerTest, RefusesWhatItCannotDo) {
  SamplingOptions options;
  options.top_p = 7;
  EXPECT_FALSE(Sampler::make(options, 0, 10, {}).ok());
  EXPECT_FALSE(Sampler::make({}, 0, 0, {}).ok());
  const TokenId outside[] = {TokenId{10}};
  EXPECT_FALSE(Sampler::make({}, 0, 10, outside).ok());
}

}  // namespace
}  // namespace troika
