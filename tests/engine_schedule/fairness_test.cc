// What docs/fairness.md promises, on simulated machines: a user beside a flood, two that both wait,
// weights, and what fairness costs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "engine_schedule/simulator.h"

namespace troika::testing {
namespace {

constexpr TenantId kPolite{1};
constexpr TenantId kOther{2};

std::function<int64_t()> between(int64_t min, int64_t max, uint64_t seed) {
  return [random = std::mt19937_64(seed), min, max]() mutable {
    return std::uniform_int_distribution<int64_t>(min, max)(random);
  };
}

void know(Simulation& s, TenantId tenant, const TenantPolicy& policy = {}) {
  ASSERT_TRUE(s.scheduler->set_tenant(tenant, policy).ok());
}

std::vector<double> first_tokens(const Simulation& s, int32_t user) {
  std::vector<double> seconds;
  for (const auto& [id, outcome] : s.outcomes)
    if (outcome.user == user && outcome.first_token_s >= 0)
      seconds.push_back(outcome.first_token_s);
  return seconds;
}

/// One sequence of the polite tenant, `sequences` of the other, for 1000 s.
std::unique_ptr<Simulation> polite_beside(int64_t sequences) {
  auto s = std::make_unique<Simulation>(Machine());
  know(*s, kPolite);
  know(*s, kOther);
  s->add_user({.tenant = kPolite,
               .prompt_tokens = between(300, 500, 1),
               .answer_tokens = between(50, 150, 2)});
  s->add_user({.tenant = kOther,
               .sequences = sequences,
               .prompt_tokens = between(300, 500, 3),
               .answer_tokens = between(50, 150, 4)});
  s->run(1000);
  return s;
}

TEST(Fairness, OneSequenceBesideAFlood) {
  const auto equal = polite_beside(1);
  const auto flood = polite_beside(64);
  const double alone = quantile(first_tokens(*equal, 0), 0.95);
  const double beside = quantile(first_tokens(*flood, 0), 0.95);
  EXPECT_LE(beside, 1.5 * alone);

  // Its fair share: half of the service, or what one sequence can take that never waits, a row in
  // each step and its prompt in chunks, whichever is less.
  const TenantStatistics polite = *flood->scheduler->statistics(kPolite);
  const TenantStatistics other = *flood->scheduler->statistics(kOther);
  const auto texts = static_cast<double>(polite.finished);
  const double tokens_a_text = static_cast<double>(polite.served.generated) / texts;
  const double prompt_steps = std::ceil(static_cast<double>(polite.served.prompt) / texts / 192.0);
  const double step_s = flood->now_s / static_cast<double>(flood->steps);
  const double never_waits = tokens_a_text / ((tokens_a_text + prompt_steps) * step_s);
  const double half = 0.5 * (polite.cost + other.cost) / polite.cost *
                      static_cast<double>(polite.served.generated) / flood->now_s;
  const double rate = static_cast<double>(polite.served.generated) / flood->now_s;
  EXPECT_GE(rate, 0.9 * std::min(half, never_waits));
  std::printf(
      "polite: first token p95 %.3f s, %.3f s beside an equal neighbour; %.1f tokens/s, "
      "fair share %.1f\n",
      beside, alone, rate, std::min(half, never_waits));
}

}  // namespace
}  // namespace troika::testing
