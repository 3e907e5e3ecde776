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
