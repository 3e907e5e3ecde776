#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <utility>
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

TEST(SamplerTest, DryForbidsAThirdTime) {
  SamplingOptions options = greedy_options();
  options.dry_multiplier = 10;
  options.dry_allowed_length = 2;
  Sampler sampler = made(options, 4);
  for (const int id : {0, 1, 2, 0, 1}) sampler.accept(TokenId{id});
  EXPECT_FALSE(sampler.greedy());
  EXPECT_EQ(sample(sampler, {0, 0, 5, 1}), 3);
  DryBreakers breakers;
  breakers.add(TokenId{1}, {});
  Sampler broken =
      Sampler::make(options, 0, 4, {}, 0, std::make_shared<const DryBreakers>(std::move(breakers)))
          .value();
  for (const int id : {0, 1, 2, 0, 1}) broken.accept(TokenId{id});
  EXPECT_EQ(sample(broken, {0, 0, 5, 1}), 2);
}

// How often the likeliest token is left out: the share asked for, of noise that the draw does not
// share.
TEST(SamplerTest, XtcStrikesAsOftenAsAsked) {
  SamplingOptions options;
  options.xtc_probability = 0.3;
  options.samplers = {SamplerStep::xtc};
  const Sampler sampler = made(options, 3);
  int struck = 0;
  constexpr int kDraws = 20000;
  // Token 0 nearly always, unless it is struck.
  for (int i = 0; i < kDraws; i++) struck += sample(sampler, {9, 7.5f, -40}, i) == 1;
  const double rest = 1 / (1 + std::exp(1.5));
  EXPECT_NEAR(struck / double{kDraws}, 0.3 * (rest >= 0.1 ? 1 : 0) + 0.7 * rest, 0.012);
}

// The mean surprise of what mirostat draws comes near its aim, from flat rows of 9 bits.
TEST(SamplerTest, MirostatFindsItsSurprise) {
  for (const int version : {1, 2}) {
    SamplingOptions options;
    options.mirostat = version;
    options.mirostat_tau = 4;
    options.temperature = 1;
    Sampler sampler = made(options, 500);
    Candidates scratch;
    double bits = 0;
    constexpr int kDraws = 800, kSettled = 100;
    for (int i = 0; i < kDraws; i++) {
      std::vector<float> logits = random_logits(500, static_cast<uint32_t>(i));
      for (float& logit : logits) logit *= 0.3f;
      sampler.emit(sampler.sample(logits, i, scratch), scratch);
      if (i >= kSettled) bits -= std::log2(scratch.drawn_probability);
    }
    EXPECT_NEAR(bits / (kDraws - kSettled), 4, version == 1 ? 0.6 : 0.2) << version;
  }
}

TEST(SamplerTest, AdaptiveDrawsNearItsTarget) {
  for (const double target : {0.2, 0.6}) {
    SamplingOptions options;
    options.adaptive_target = target;
    options.samplers = {SamplerStep::top_k, SamplerStep::adaptive_p};
    Sampler sampler = made(options, 40);
    Candidates scratch;
    double sum = 0;
    for (int i = 0; i < 2000; i++) {
      sampler.emit(sampler.sample(random_logits(40, static_cast<uint32_t>(i)), i, scratch),
                   scratch);
      sum += scratch.drawn_probability;
    }
    EXPECT_NEAR(sum / 2000, target, 0.12);
  }
}

// Tokens of the prompt and what a copy drew move no aim.
TEST(SamplerTest, OnlyEmittedTokensMoveTheAim) {
  SamplingOptions options;
  options.mirostat = 2;
  options.mirostat_eta = 0.9;
  Sampler fresh = made(options, 300), read = made(options, 300);
  Candidates scratch;
  const std::vector<float> logits = random_logits(300, 1);
  Sampler copy = read;
  for (int i = 0; i < 50; i++) {
    copy.emit(copy.sample(logits, i, scratch), scratch);
    read.accept(TokenId{i});
    static_cast<void>(read.sample(logits, i, scratch));
  }
  for (int i = 0; i < 30; i++) EXPECT_EQ(sample(fresh, logits, i), sample(read, logits, i));
}

TEST(SamplerTest, TheOrderOfStepsCounts) {
  SamplingOptions options;
  options.temperature = 100;
  options.min_p = 0.5;
  options.top_k = 0;
  options.samplers = {SamplerStep::min_p, SamplerStep::temperature};
  const std::vector<float> logits = {4, 0, 0, 0};
  const Sampler first = made(options, 4);
  for (int i = 0; i < 50; i++) EXPECT_EQ(sample(first, logits, i), 0);
  options.samplers = {SamplerStep::temperature, SamplerStep::min_p};
  const Sampler last = made(options, 4);
  int others = 0;
  for (int i = 0; i < 50; i++) others += sample(last, logits, i) != 0;
  EXPECT_GT(others, 20);
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
