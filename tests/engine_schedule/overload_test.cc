// Ten times more than fits: nothing is lost, queues stay bounded, and who is refused is told the
// right time to come again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine_schedule/simulator.h"

namespace troika::testing {
namespace {

/// Whether a promise turned out right within a factor of two.
bool right(double promised_s, double took_s) {
  return took_s <= 2 * promised_s && promised_s <= 2 * took_s;
}

struct Load {
  const char* name;
  int32_t tenants;
  int64_t queue_max;
  Machine machine;
  int64_t prompt_min, prompt_max, answer_min, answer_max;
};

std::vector<Load> loads() {
  Machine slow_reader;
  slow_reader.prompt_rows_max = 64;
  return {
      {"slots hold back", 16, 4, {}, 50, 150, 100, 300},
      {"one tenant", 1, 64, {}, 50, 150, 100, 300},
      {"prompts hold back", 8, 8, slow_reader, 500, 1500, 10, 40},
      {"long and short", 16, 4, {}, 20, 800, 20, 400},
  };
}

/// Ten times as many requests as slots and queues take, sent at once; who is refused comes back
/// when told.
TEST(Overload, NothingIsLostAndPromisesAreKept) {
  for (const Load& load : loads()) {
    Simulation s(load.machine);
    const int64_t fits = load.machine.slots + load.tenants * load.queue_max;
    const int64_t sent = 10 * fits;
    for (int32_t t = 0; t < load.tenants; t++) {
      ASSERT_TRUE(s.scheduler->set_tenant(TenantId{t}, {.queue_max = load.queue_max}).ok());
      s.add_user(
          {.tenant = TenantId{t},
           .sequences = 0,
           .prompt_tokens = between(load.prompt_min, load.prompt_max, static_cast<uint64_t>(t)),
           .answer_tokens =
               between(load.answer_min, load.answer_max, static_cast<uint64_t>(t) + 50)});
    }
    for (int64_t i = 0; i < sent; i++)
      s.send(0.01 * static_cast<double>(i), static_cast<int32_t>(i % load.tenants));
    s.each_step = [&](Simulation& now) {
      for (int32_t t = 0; t < load.tenants; t++) {
        const TenantStatistics tenant = *now.scheduler->statistics(TenantId{t});
        ASSERT_LE(tenant.waiting - tenant.set_aside, load.queue_max);
      }
    };
    s.run(1e9);
    int64_t refused = 0;
    int64_t kept = 0;
    double worst = 1;
    for (const auto& [id, outcome] : s.outcomes) {
      ASSERT_GE(outcome.done_s, 0) << load.name;  // answered
      if (outcome.refusals == 0) continue;
      refused++;
      kept += right(outcome.promised_s, outcome.admitted_s) ? 1 : 0;
      worst = std::max(worst, outcome.admitted_s / outcome.promised_s);
    }
    EXPECT_EQ(std::ssize(s.outcomes), sent);
    EXPECT_EQ(s.scheduler->waiting() + s.scheduler->running(), 0);
    EXPECT_GT(refused, fits);
    std::printf("%s: %ld of %ld refused at first, %.4f of the promises right, worst %.2f times\n",
                load.name, static_cast<long>(refused), static_cast<long>(sent),
                static_cast<double>(kept) / static_cast<double>(refused), worst);
    EXPECT_GE(static_cast<double>(kept), 0.97 * static_cast<double>(refused)) << load.name;
  }
}

// A promise is not too late either: the place is free about when it was promised, whether somebody
// comes for it or not.
TEST(Overload, APlaceIsFreeWhenPromised) {
  int64_t kept = 0;
  int64_t asked = 0;
  for (const double at_s : {3.0, 6.0, 9.0, 12.0, 15.0})
    for (const int32_t tenants : {1, 4, 16}) {
      Simulation s((Machine()));
      const int64_t queue_max = 160 / tenants;
      for (int32_t t = 0; t < tenants; t++) {
        ASSERT_TRUE(s.scheduler->set_tenant(TenantId{t}, {.queue_max = queue_max}).ok());
        s.add_user({.tenant = TenantId{t},
                    .sequences = 28 / tenants + queue_max,
                    .prompt_tokens = between(50, 150, static_cast<uint64_t>(t)),
                    .answer_tokens = between(150, 250, static_cast<uint64_t>(t) + 50)});
      }
      s.run(at_s);
      // Fills the queue of one tenant, is refused ten times more, and never comes again.
      std::vector<double> promises_s;
      for (int64_t id = 1 << 20; promises_s.size() < 10; id++) {
        const auto admission = s.scheduler->submit(
            s.now_s,
            {.id = RequestId{id}, .tenant = TenantId{0}, .prompt_tokens = 100, .tokens_max = 200});
        ASSERT_TRUE(admission.ok());
        if (!admission->admitted) promises_s.push_back(admission->retry_after_s);
        if (admission->admitted) s.adopt(RequestId{id}, 0, 100, 200);
      }
      const int64_t started = s.scheduler->statistics(TenantId{0})->started;
      std::vector<double> starts_s;
      s.each_step = [&](Simulation& now) {
        const int64_t more = now.scheduler->statistics(TenantId{0})->started - started;
        while (std::ssize(starts_s) < more) starts_s.push_back(now.now_s);
      };
      const double asked_s = s.now_s;
      s.run(asked_s + 200);
      for (size_t i = 0; i < promises_s.size(); i++) {
        asked++;
        kept += right(promises_s[i], starts_s[i] - asked_s) ? 1 : 0;
      }
    }
  std::printf("%ld of %ld places free when promised\n", static_cast<long>(kept),
              static_cast<long>(asked));
  EXPECT_GE(static_cast<double>(kept), 0.95 * static_cast<double>(asked));
}

}  // namespace
}  // namespace troika::testing
