// The depth controller on simulated machines and texts: cost curves from flat to worse than linear,
// acceptances from 0 to 1, alike at all depths, falling with depth, or changing inside the text.
// Measured times are noisy by 10 % and one in a hundred is an outlier of five times; what is
// compared are the true times. Drafting must never be slower than not drafting, and nearly as fast
// as the best fixed depth, which only hindsight knows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "engine/depth_planner.h"

namespace troika::testing {
namespace {

constexpr int64_t kTokens = 3000;
constexpr int64_t kWarmUpTokens = kTokens / 4;
constexpr int64_t kDepthMax = 6;
constexpr int kSeeds = 2;

/// How much slower than without drafts, and, after warm-up, than with the best fixed depth.
constexpr double kOffRegretMax = 0.02;
constexpr double kBestRegretMax = 0.08;

struct Machine {
  std::string name;
  double (*passes)(double rows);  // time of a pass, one row taking 1
};

struct Text {
  std::string name;
  double first = 0;   // acceptance of the first draft
  double next = 1;    // of each further one, beside the one before it
  int64_t turns = 0;  // tokens after which first changes to `other` and back; 0: never
  double other = 0;

  double acceptance(int64_t position, int64_t index) const {
    const bool turned = turns > 0 && position / turns % 2 == 1;
    return (turned ? other : first) * std::pow(next, static_cast<double>(index));
  }
};

const std::vector<Machine>& machines() {
  static const std::vector<Machine> list = {
      {"flat", [](double n) { return 1 + 0.01 * (n - 1); }},
      {"knee at 4", [](double n) { return 1 + 0.02 * (n - 1) + 0.3 * std::max(0.0, n - 4); }},
      {"knee at 8", [](double n) { return 1 + 0.02 * (n - 1) + 0.3 * std::max(0.0, n - 8); }},
      {"steps of 4", [](double n) { return 1 + 0.6 * std::floor((n - 1) / 4); }},
      {"half", [](double n) { return 1 + 0.5 * (n - 1); }},
      {"root", [](double n) { return std::sqrt(n); }},
      {"linear", [](double n) { return n; }},
      {"beyond linear", [](double n) { return std::pow(n, 1.3); }}};
  return list;
}

std::vector<Text> texts() {
  std::vector<Text> list;
  for (int i = 0; i <= 10; i++)
    for (const double next : {1.0, 0.8})
      list.push_back({"acceptance " + std::to_string(i) + "/10" + (next < 1 ? " falling" : ""),
                      0.1 * i, next});
  for (const int64_t turns : {500, 1000}) {
    list.push_back({"good turning bad", 0.9, 1, turns, 0.05});
    list.push_back({"bad turning good", 0.05, 1, turns, 0.9});
  }
  return list;
}

double launch_ms(double head_ms, int64_t rows) {
  return rows == 0 ? 0 : head_ms * (1 + 0.02 * static_cast<double>(rows - 1));
}

struct World {
  Machine machine;
  double head = 0;  // time of a launch of the draft head, a pass of one row taking 1
  Text text;

  static constexpr double kPassMs = 30;
  double trunk_ms(const StepPlan& plan) const {
    return kPassMs * machine.passes(static_cast<double>(plan.rows));
  }
  double draft_ms(const StepPlan& plan) const {
    double ms = 0;
    for (const int64_t rows : plan.draft_rows) ms += launch_ms(head * kPassMs, rows);
    return ms;
  }
};

/// Times of a text: all of it, and what comes after the warm-up.
struct Times {
  double ms = 0;
  double late_ms = 0;
};

/// What a fixed depth is expected to take: token by token, so that the text may turn.
Times fixed(const World& world, int64_t depth) {
  Times times;
  for (int64_t position = 0; position < kTokens; position++) {
    double kept = 1;
    double tokens = 1;
    for (int64_t i = 0; i < depth; i++) tokens += kept *= world.text.acceptance(position, i);
    StepPlan plan;
    plan.add(depth, 0);
    // The head catches up on the drafts that were accepted in the step before.
    const double head_ms = World::kPassMs * world.head;
    const double catch_up_ms = depth > 0 ? 0.02 * head_ms * (tokens - 1) : 0;
    const double ms = (world.trunk_ms(plan) + world.draft_ms(plan) + catch_up_ms) / tokens;
    times.ms += ms;
    if (position >= kWarmUpTokens) times.late_ms += ms;
  }
  return times;
}

/// Writes the text with depths as the controller chooses them.
class Writer {
 public:
  Writer(const World& world, uint64_t seed) : world_(world), random_(seed) {}

  Times write() {
    Times times;
    for (int64_t position = 0; position < kTokens;) {
      const bool late = position >= kWarmUpTokens;
      const double ms = step(position);
      times.ms += ms;
      if (late) times.late_ms += ms;
    }
    return times;
  }

 private:
  double uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  double measured(double ms) {
    const double noise = 0.9 + 0.2 * uniform();
    return uniform() < 0.01 ? 5 * ms * noise : ms * noise;
  }

  double step(int64_t& position) {
    const DraftOffer head{.depth_max = kDepthMax, .catch_up = lag_};
    const DepthCandidate candidate{.options = {.depth_max = kDepthMax},
                                   .room = kTokens - position - 1,
                                   .state = &state_,
                                   .offers = std::span(&head, 1)};
    const DepthChoice choice =
        planner_.choose({.costs = &costs_, .candidates = std::span(&candidate, 1)})[0];
    StepPlan plan;
    plan.add(choice.depth, lag_);
    int64_t accepted = 0;
    while (accepted < choice.depth &&
           uniform() < world_.text.acceptance(position + accepted, accepted))
      accepted++;
    const double draft_ms = world_.draft_ms(plan);
    const double trunk_ms = world_.trunk_ms(plan);
    const double measured_draft_ms = measured(draft_ms);
    costs_.observe(plan, measured_draft_ms, measured(trunk_ms));
    state_.observe(choice, choice.depth, accepted, costs_.estimate(plan).ms);
    lag_ = choice.depth > 0 ? accepted : (lag_ + 1) % (kDepthMax + 3);
    position += 1 + accepted;
    return trunk_ms + draft_ms;
  }

  const World& world_;
  std::mt19937_64 random_;
  CostModel costs_;
  DepthState state_;
  DepthPlanner planner_;
  int64_t lag_ = 0;
};

void expect_little_regret(const World& world) {
  Times written;
  for (uint64_t seed = 1; seed <= kSeeds; seed++) {
    const Times times = Writer(world, seed).write();
    written.ms += times.ms / kSeeds;
    written.late_ms += times.late_ms / kSeeds;
  }
  const Times off = fixed(world, 0);
  Times best = off;
  for (int64_t depth = 1; depth <= kDepthMax; depth++)
    best.late_ms = std::min(best.late_ms, fixed(world, depth).late_ms);
  const auto where = [&world] {
    return world.machine.name + ", head " + std::to_string(world.head) + ", " + world.text.name;
  };
  EXPECT_LE(written.ms, off.ms * (1 + kOffRegretMax)) << where();
  EXPECT_LE(written.late_ms, best.late_ms * (1 + kBestRegretMax)) << where();
}

TEST(DepthRegret, NeverSlowerThanOffAndNearTheBestFixedDepth) {
  for (const Machine& machine : machines())
    for (const double head : {0.02, 0.2})
      for (const Text& text : texts())
        expect_little_regret({.machine = machine, .head = head, .text = text});
}

}  // namespace
}  // namespace troika::testing
