#include "engine/sampling_options.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

namespace troika {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(SamplingOptionsTest, DefaultsAreValid) {
  EXPECT_TRUE(SamplingOptions().validate(1).ok());
}

TEST(SamplingOptionsTest, EdgesAreValid) {
  SamplingOptions options;
  options.temperature = -1;
  options.top_k = -5;
  options.top_p = options.min_p = options.typical_p = 0;
  options.repeat_last_n = -1;
  options.logit_bias = {{TokenId{0}, -kInfinity}, {TokenId{9}, 5}};
  EXPECT_TRUE(options.validate(10).ok());
}

struct Refusal {
  const char* field;
  std::function<void(SamplingOptions&)> spoil;
};

TEST(SamplingOptionsTest, EveryRefusalNamesTheField) {
  using S = SamplingOptions;
  const Refusal refusals[] = {
      {"temperature", [](S& o) { o.temperature = kNan; }},
      {"temperature", [](S& o) { o.temperature = kInfinity; }},
      {"dynatemp_range", [](S& o) { o.dynatemp_range = -1; }},
      {"dynatemp_exponent", [](S& o) { o.dynatemp_exponent = kInfinity; }},
      {"typical_p", [](S& o) { o.typical_p = kNan; }},
      {"typical_p", [](S& o) { o.typical_p = 1.5; }},
      {"top_p", [](S& o) { o.top_p = kNan; }},
      {"top_p", [](S& o) { o.top_p = -0.1; }},
      {"min_p", [](S& o) { o.min_p = kNan; }},
      {"min_p", [](S& o) { o.min_p = 2; }},
      {"min_keep", [](S& o) { o.min_keep = -1; }},
      {"repeat_penalty", [](S& o) { o.repeat_penalty = 0; }},
      {"repeat_penalty", [](S& o) { o.repeat_penalty = kNan; }},
      {"frequency_penalty", [](S& o) { o.frequency_penalty = kInfinity; }},
      {"presence_penalty", [](S& o) { o.presence_penalty = -kInfinity; }},
      {"repeat_last_n", [](S& o) { o.repeat_last_n = -2; }},
      {"repeat_last_n", [](S& o) { o.repeat_last_n = kRepeatLastNMax + 1; }},
      {"top_n_sigma", [](S& o) { o.top_n_sigma = kNan; }},
      {"xtc_probability", [](S& o) { o.xtc_probability = -0.1; }},
      {"xtc_threshold", [](S& o) { o.xtc_threshold = kNan; }},
      {"dry_multiplier", [](S& o) { o.dry_multiplier = -1; }},
      {"dry_base", [](S& o) { o.dry_base = 0.9; }},
      {"dry_allowed_length", [](S& o) { o.dry_allowed_length = 0; }},
      {"dry_penalty_last_n", [](S& o) { o.dry_last_n = -2; }},
      {"dry_sequence_breakers[0]", [](S& o) { o.dry_breakers.assign(2, ""); }},
      {"dry_sequence_breakers[0]", [](S& o) { o.dry_breakers = {std::string(41, 'x')}; }},
      {"dry_sequence_breakers", [](S& o) { o.dry_breakers.assign(33, "x"); }},
      {"mirostat", [](S& o) { o.mirostat = 3; }},
      {"mirostat_tau", [](S& o) { o.mirostat_tau = kInfinity; }},
      {"mirostat_eta", [](S& o) { o.mirostat_eta = -1; }},
      {"adaptive_target", [](S& o) { o.adaptive_target = 1.1; }},
      {"adaptive_decay", [](S& o) { o.adaptive_decay = 1; }},
      {"samplers", [](S& o) { o.samplers.clear(); }},
      {"samplers", [](S& o) { o.samplers.assign(33, SamplerStep::top_k); }},
      {"logit_bias",
       [](S& o) {
         o.logit_bias = {{TokenId{10}, 1}};
       }},
      {"logit_bias",
       [](S& o) {
         o.logit_bias = {{TokenId{-1}, 1}};
       }},
      {"logit_bias",
       [](S& o) {
         o.logit_bias = {{TokenId{1}, kNan}};
       }},
      {"logit_bias",
       [](S& o) {
         o.logit_bias = {{TokenId{1}, kInfinity}};
       }},
      {"logit_bias",
       [](S& o) {
         o.logit_bias.assign(kLogitBiasCountMax + 1, {TokenId{1}, 1});
       }},
  };
  for (const Refusal& refusal : refusals) {
    SamplingOptions options;
    refusal.spoil(options);
    const Status status = options.validate(10);
    ASSERT_FALSE(status.ok()) << refusal.field;
    EXPECT_EQ(status.error().code(), ErrorCode::invalid_argument);
    EXPECT_EQ(status.error().message().find(refusal.field), 0u) << status.error().message();
    EXPECT_NE(status.error().message().find("want"), std::string::npos) << status.error().message();
  }
}

TEST(SamplingOptionsTest, SamplersAreNamedOrLettered) {
  using enum SamplerStep;
  const std::vector<SamplerStep> order = {top_k, typical_p, top_p, temperature};
  EXPECT_EQ(parse_samplers("top_k;typ_p;nucleus;temp").value(), order);
  EXPECT_EQ(parse_samplers("top-k;typical;top-p;temperature").value(), order);
  EXPECT_EQ(parse_sampler_letters("kypt").value(), order);
  const std::vector<SamplerStep> all(std::begin(kSamplerOrder), std::end(kSamplerOrder));
  EXPECT_EQ(parse_sampler_letters("edskypmxt").value(), all);
  std::string names;
  for (const SamplerStep step : all)
    names += (names.empty() ? "" : ";") + std::string(sampler_name(step));
  EXPECT_EQ(parse_samplers(names).value(), all);
  for (const char* bad : {"", "top_k;", "infill", "topk top_p", ";"})
    EXPECT_FALSE(parse_samplers(bad).ok()) << bad;
  for (const char* bad : {"", "kz", "K"}) EXPECT_FALSE(parse_sampler_letters(bad).ok()) << bad;
}

TEST(SamplingOptionsTest, AStepThatIsNotListedIsOff) {
  SamplingOptions options;
  options.presence_penalty = options.dry_multiplier = 1;
  options.adaptive_target = 0.5;
  EXPECT_TRUE(options.penalises());
  EXPECT_TRUE(options.avoids_repeats());
  EXPECT_FALSE(options.adapts());
  options.samplers = {SamplerStep::adaptive_p};
  EXPECT_FALSE(options.penalises());
  EXPECT_FALSE(options.avoids_repeats());
  EXPECT_TRUE(options.adapts());
  options.mirostat = 1;
  EXPECT_FALSE(options.adapts());
}

TEST(SamplingOptionsTest, PenalisesOnlyWithAHistoryAndAStrength) {
  SamplingOptions options;
  EXPECT_FALSE(options.penalises());
  options.presence_penalty = 0.1;
  EXPECT_TRUE(options.penalises());
  options.repeat_last_n = 0;
  EXPECT_FALSE(options.penalises());
}

}  // namespace
}  // namespace troika
