// What docs/fairness.md promises, on simulated machines: a user beside a flood, two that both wait,
// weights, urgency, and what fairness costs.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "engine_schedule/simulator.h"

namespace troika::testing {
namespace {

constexpr TenantId kPolite{1};
constexpr TenantId kOther{2};

void know(Simulation& s, TenantId tenant, const TenantPolicy& policy = {}) {
  ASSERT_TRUE(s.scheduler->set_tenant(tenant, policy).ok());
}

double cost_of(const Simulation& s, TenantId tenant) {
  return s.scheduler->statistics(tenant)->cost;
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
  const double rate = static_cast<double>(polite.served.generated) / flood->now_s;
  const double half = 0.5 * rate * (polite.cost + other.cost) / polite.cost;
  const double share = std::min(half, never_waits);
  EXPECT_GE(rate, 0.9 * share);
  std::printf(
      "one beside 64: first token p95 %.3f s, beside an equal %.3f s, %.2f times; "
      "%.1f tokens/s, %.2f of its fair share\n",
      beside, alone, beside / alone, rate, rate / share);
}

// A tenant with enough to take half of the machine gets it, however many the other brings.
TEST(Fairness, HalfOfTheServiceBesideAFlood) {
  Simulation s((Machine()));
  know(s, kPolite);
  know(s, kOther, {.queue_max = 1024});
  s.add_user({.tenant = kPolite,
              .sequences = 20,
              .prompt_tokens = between(300, 500, 1),
              .answer_tokens = between(50, 150, 2)});
  s.add_user({.tenant = kOther,
              .sequences = 640,
              .prompt_tokens = between(300, 500, 3),
              .answer_tokens = between(50, 150, 4)});
  s.run(1000);
  const double part = cost_of(s, kPolite) / (cost_of(s, kPolite) + cost_of(s, kOther));
  EXPECT_GE(part, 0.9 * 0.5);
  std::printf("20 beside 640: %.3f of the service\n", part);
}

/// How far the service of two tenants that both wait drifts apart, at most between any two times.
struct Drift {
  double most = 0;
  double bound = 0;    // 2 max(cost of the longest prompt, cost of what the batch holds)
  double ratio = 0;    // of all their service
  std::string series;  // "seconds ahead;...", the first tenant's lead every two seconds
};

/// @param fair  two tenants; else both users are one tenant, who is served first come, first
/// served.
Drift drift_of(double weight, Simulation::User a, Simulation::User b, int64_t longest_prompt,
               bool fair = true) {
  Simulation s((Machine()));
  know(s, kPolite, {.queue_max = 1024});
  know(s, kOther, {.weight = weight, .queue_max = 1024});
  a.tenant = kPolite;
  b.tenant = fair ? kOther : kPolite;
  s.add_user(std::move(a));
  s.add_user(std::move(b));
  s.run(20);  // until both wait
  const std::vector<double> before = s.service;
  double low = 0;
  double high = 0;
  double next_s = s.now_s;
  Drift drift;
  s.each_step = [&](Simulation& now) {
    EXPECT_GT(now.scheduler->statistics(kPolite)->waiting, 0);
    EXPECT_TRUE(!fair || now.scheduler->statistics(kOther)->waiting > 0);
    const double ahead = now.service[0] - before[0] - (now.service[1] - before[1]) / weight;
    low = std::min(low, ahead);
    high = std::max(high, ahead);
    if (now.now_s < next_s) return;
    next_s += 2;
    drift.series += fmt::format("{:.1f} {:.0f};", now.now_s, ahead);
  };
  s.run(2000);
  const TokenCosts costs;
  drift.most = high - low;
  drift.bound = 2 * std::max(costs.prompt * static_cast<double>(longest_prompt),
                             costs.generated * static_cast<double>(s.held_max));
  drift.ratio = (s.service[1] - before[1]) / (s.service[0] - before[0]);
  return drift;
}

/// Long answers to short prompts beside short answers to long ones.
Drift unlike_users(bool fair) {
  return drift_of(1,
                  {.sequences = 40,
                   .prompt_tokens = between(10, 100, 1),
                   .answer_tokens = between(300, 600, 2)},
                  {.sequences = 200,
                   .prompt_tokens = between(500, 2000, 3),
                   .answer_tokens = between(5, 50, 4)},
                  2000, fair);
}

TEST(Fairness, ServiceOfTwoThatWaitStaysTogether) {
  const Simulation::User user{
      .sequences = 64, .prompt_tokens = between(300, 500, 1), .answer_tokens = between(50, 150, 2)};
  const Drift alike = drift_of(1, user, user, 500);
  const Drift unlike = unlike_users(true);
  for (const Drift& drift : {alike, unlike}) {
    EXPECT_LE(drift.most, drift.bound);
    EXPECT_NEAR(drift.ratio, 1, 0.02);
    std::printf("two that wait: apart %.0f at most, bound %.0f; service 1:%.3f\n", drift.most,
                drift.bound, drift.ratio);
  }
  const Drift first_come = unlike_users(false);
  EXPECT_GT(first_come.most, 10 * unlike.bound);
  // What scripts/plot_fairness draws.
  RecordProperty("fair", unlike.series);
  RecordProperty("first_come", first_come.series);
  RecordProperty("bound", std::to_string(unlike.bound / 2));
}

TEST(Fairness, WeightsAreShares) {
  for (const double weight : {3.0, 0.5}) {
    const Drift drift = drift_of(weight,
                                 {.sequences = 64,
                                  .prompt_tokens = between(300, 500, 1),
                                  .answer_tokens = between(50, 150, 2)},
                                 {.sequences = 64,
                                  .prompt_tokens = between(100, 900, 3),
                                  .answer_tokens = between(20, 250, 4)},
                                 900);
    EXPECT_NEAR(drift.ratio, weight, 0.05 * weight);
    EXPECT_LE(drift.most, drift.bound / std::min(1.0, weight));
    std::printf("weights 1:%.1f: service 1:%.3f\n", weight, drift.ratio);
  }
}

/// Tokens a second, written for eight tenants of whom some flood. As one tenant they are served
/// first come, first served. All texts are alike, so that it does not matter whose are written.
double throughput(bool fair) {
  Simulation s((Machine()));
  for (int32_t t = 0; t < 8; t++) know(s, TenantId{t}, {.queue_max = 1024});
  for (int32_t t = 0; t < 8; t++)
    s.add_user({.tenant = TenantId{fair ? t : 0},
                .sequences = t < 2 ? 64 : t,
                .prompt_tokens = between(50, 900, static_cast<uint64_t>(t)),
                .answer_tokens = between(20, 300, static_cast<uint64_t>(t) + 100)});
  s.run(2000);
  return static_cast<double>(s.tokens) / s.now_s;
}

TEST(Fairness, CostsLittleThroughput) {
  const double fair = throughput(true);
  const double first_come = throughput(false);
  EXPECT_GE(fair, 0.95 * first_come);
  std::printf("throughput: %.3f of first come, first served\n", fair / first_come);
}

TEST(Fairness, RestIsNoCredit) {
  Simulation s((Machine()));
  know(s, kPolite, {.queue_max = 1024});
  know(s, kOther, {.queue_max = 1024});
  for (const TenantId tenant : {kPolite, kOther})
    s.add_user({.tenant = tenant,
                .sequences = 64,
                .prompt_tokens = between(300, 500, 1),
                .answer_tokens = between(50, 150, 2),
                .from_s = tenant == kPolite ? 500.0 : 0.0});
  s.run(500);
  const double before = cost_of(s, kOther);
  s.run(700);
  const double polite = cost_of(s, kPolite);
  const double part = polite / (polite + cost_of(s, kOther) - before);
  EXPECT_NEAR(part, 0.5, 0.05);
}

TEST(Fairness, UrgentGoesFirstAndNothingStarves) {
  Simulation s(Machine(), {.ageing_s = 20, .slots_reserved = 0});
  know(s, kPolite, {.queue_max = 1024});
  know(s, kOther, {.queue_max = 1024});
  s.add_user({.tenant = kOther,
              .priority = PriorityClass::batch,
              .sequences = 8,
              .prompt_tokens = always(400),
              .answer_tokens = always(100)});
  // More than the machine can take, all of it more urgent, for ten minutes.
  s.add_user({.tenant = kPolite,
              .priority = PriorityClass::interactive,
              .sequences = 128,
              .prompt_tokens = always(400),
              .answer_tokens = always(100),
              .from_s = 10,
              .until_s = 610});
  s.run(610);
  const TenantStatistics batch = *s.scheduler->statistics(kOther);
  EXPECT_GE(batch.finished, 600 / 20);          // one in each ageing_s
  EXPECT_LE(batch.wait_s_max, (8 + 1) * 20.0);  // each of eight in its turn
  EXPECT_LE(batch.finished, 600 / 20 + 60);     // not many more

  // Beside a flood of batch requests, an interactive one does not wait for their ends.
  Simulation t(Machine(), {.slots_reserved = 0, .patience_s = 0.5});
  know(t, kPolite);
  know(t, kOther, {.queue_max = 1024});
  t.add_user({.tenant = kOther,
              .priority = PriorityClass::batch,
              .sequences = 200,
              .prompt_tokens = always(100),
              .answer_tokens = always(2000)});
  t.add_user({.tenant = kPolite,
              .priority = PriorityClass::interactive,
              .prompt_tokens = always(300),
              .answer_tokens = always(50),
              .from_s = 20,
              .pause_s = 1});
  t.run(60);
  EXPECT_LE(quantile(first_tokens(t, 1), 0.95), 1.0);
  EXPECT_GT(t.scheduler->statistics(kOther)->preempted, 0);
  EXPECT_EQ(t.scheduler->statistics(kPolite)->preempted, 0);
}

// Without a reserved slot, sequences of a flood are set aside for a tenant that has nothing at
// work.
TEST(Fairness, AFloodMakesRoom) {
  Simulation s(Machine(), {.slots_reserved = 0, .patience_s = 0.5, .preempt_ahead = 2});
  know(s, kPolite);
  know(s, kOther);
  s.add_user({.tenant = kOther,
              .sequences = 32,
              .prompt_tokens = always(100),
              .answer_tokens = always(5000)});
  s.add_user(
      {.tenant = kPolite, .prompt_tokens = always(300), .answer_tokens = always(50), .from_s = 20});
  s.run(60);
  EXPECT_GT(first_tokens(s, 1).size(), 5u);
  EXPECT_LE(quantile(first_tokens(s, 1), 1), 2.0);
}

TEST(Fairness, AloneGetsTheWholeMachine) {
  Machine small;
  small.slots = 4;
  for (const int64_t slots : {4, 16}) {
    small.slots = slots;
    Simulation s(small);
    know(s, kPolite);
    s.add_user({.tenant = kPolite,
                .sequences = 2 * slots,
                .prompt_tokens = always(10),
                .answer_tokens = always(200)});
    int64_t most = 0;
    s.each_step = [&](Simulation& now) { most = std::max(most, now.scheduler->running()); };
    s.run(50);
    EXPECT_EQ(most, slots);
  }
}

}  // namespace
}  // namespace troika::testing
