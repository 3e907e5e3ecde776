// A day of a thousand tenants on one large machine, in seconds: quiet at night, more than it can
// take at noon, some that flood, some that are impatient.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include "engine_schedule/simulator.h"

namespace troika::testing {
namespace {

constexpr int32_t kTenants = 1000;
constexpr double kDayS = 86400;
constexpr int64_t kQueueMax = 8;

/// A large model: half a second a step, long texts.
Machine slow_machine() {
  return {.step_s = 0.3,
          .row_s = 0.001,
          .slots = 64,
          .pages = 8192,
          .rows_max = 320,
          .prompt_rows_max = 256};
}

/// Tells all tenants and what they will send: requests at random, most around noon; each hundredth
/// tenant sends thirty at a time.
void plan_day(Simulation& s) {
  std::mt19937_64 random(1);
  const auto uniform = [&] { return std::uniform_real_distribution<double>(0, 1)(random); };
  for (int32_t t = 0; t < kTenants; t++) {
    ASSERT_TRUE(
        s.scheduler
            ->set_tenant(TenantId{t}, {.weight = t % 10 == 0 ? 2.0 : 1.0, .queue_max = kQueueMax})
            .ok());
    const int32_t user = s.add_user({.tenant = TenantId{t},
                                     .priority = kAllClasses[t % 3],
                                     .sequences = 0,
                                     .prompt_tokens = between(50, 800, random()),
                                     .answer_tokens = between(10, 300, random()),
                                     .deadline_s = t % 7 == 0 ? 600.0 : 1e18});
    const int64_t bursts = t % 100 == 50 ? 30 : 1;
    const double mean_s = 1000 * static_cast<double>(bursts);
    for (double at_s = 0; at_s < kDayS;) {
      at_s += -std::log(1 - uniform()) * mean_s;
      const double day = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * at_s / kDayS);
      if (uniform() > day * day || at_s >= kDayS) continue;
      for (int64_t i = 0; i < bursts; i++) s.send(at_s, user);
    }
  }
}

TEST(Day, OfAThousandTenants) {
  Simulation s(slow_machine());
  plan_day(s);
  int64_t waiting_max = 0;
  s.each_step = [&](Simulation& now) {
    waiting_max = std::max(waiting_max, now.scheduler->waiting());
  };
  s.run(1e9);

  TenantStatistics sum;
  ServedTokens served;
  for (int32_t t = 0; t < kTenants; t++) {
    const TenantStatistics tenant = *s.scheduler->statistics(TenantId{t});
    EXPECT_EQ(tenant.waiting + tenant.running, 0);
    EXPECT_EQ(tenant.submitted, tenant.finished + tenant.expired);
    sum.submitted += tenant.submitted;
    sum.finished += tenant.finished;
    sum.expired += tenant.expired;
    sum.refused += tenant.refused;
    sum.preempted += tenant.preempted;
    sum.wait_s_max = std::max(sum.wait_s_max, tenant.wait_s_max);
    served.prompt += tenant.served.prompt;
    served.generated += tenant.served.generated;
    served.recomputed += tenant.served.recomputed;
  }
  EXPECT_EQ(served.generated, s.tokens);
  EXPECT_EQ(served.prompt + served.recomputed, s.prompt_rows);
  EXPECT_LE(waiting_max, kTenants * kQueueMax);
  EXPECT_EQ(sum.submitted, std::ssize(s.outcomes));  // also those that were refused at first
  int64_t answered = 0;
  double first_s_max = 0;
  for (const auto& [id, outcome] : s.outcomes) {
    answered += outcome.done_s >= 0 ? 1 : 0;
    first_s_max = std::max(first_s_max, outcome.first_token_s);
  }
  EXPECT_EQ(answered, sum.finished);
  EXPECT_GT(sum.refused, 0);
  // Nobody starves: whatever comes at noon is answered before night.
  EXPECT_LE(first_s_max, kDayS / 2);
  EXPECT_LE(s.now_s, kDayS * 1.25);
  std::printf(
      "%ld requests, %ld answered, %ld expired, %ld refusals, %ld preemptions, %ld steps; "
      "%ld waited at once, one for %.0f s; first token after %.0f s at most; end at %.0f\n",
      static_cast<long>(sum.submitted), static_cast<long>(sum.finished),
      static_cast<long>(sum.expired), static_cast<long>(sum.refused),
      static_cast<long>(sum.preempted), static_cast<long>(s.steps), static_cast<long>(waiting_max),
      sum.wait_s_max, first_s_max, s.now_s);
}

}  // namespace
}  // namespace troika::testing
