// Joint depths against every possible plan of small batches, and the bounds of probing.
#include "engine/depth_planner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace troika {
namespace {

using Pass = std::function<double(int64_t rows)>;

/// Costs as they are after each number of rows up to 24, and 64, was seen often.
CostModel measured(const Pass& pass, double head) {
  CostModel costs;
  for (int round = 0; round < 12; round++)
    for (int64_t rows = 1; rows <= 64; rows += rows == 24 ? 40 : 1) {
      StepPlan plan{.rows = rows};
      plan.draft_rows[0] = rows;
      plan.model_rows[0] = rows;
      const double launch = head * pass(1) * (1 + 0.02 * static_cast<double>(rows - 1));
      costs.observe(plan, {.head_ms = launch, .model_ms = 2 * launch}, pass(rows));
    }
  return costs;
}

/// A sequence that has seen `trials` steps of each source, and waits before it probes.
DepthState state_of(double acceptance, int trials, std::mt19937_64& random) {
  DepthState state;
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int s = 0; s < kDraftSources; s++)
    for (int t = 0; t < trials; t++) {
      const double right = s < 2 ? acceptance : uniform(random);
      int64_t accepted = 0;
      while (accepted < 4 && uniform(random) < right) accepted++;
      state.observe({.source = static_cast<DraftSource>(s)}, 4, accepted, 1);
    }
  state.observe({.probe = true, .off_ms = 1}, 0, 0, 1);
  return state;
}

struct Batch {
  std::vector<DepthState> states;
  std::vector<std::vector<DraftOffer>> offers;
  std::vector<DepthCandidate> candidates;
  StepPlan others;

  DepthInput input(const CostModel& costs) const {
    return {.costs = &costs,
            .others = others,
            .others_tokens = static_cast<double>(others.rows),
            .candidates = candidates};
  }
};

Batch random_batch(int sequences, int64_t depth_max, std::mt19937_64& random) {
  Batch batch;
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int i = 0; i < sequences; i++) {
    batch.states.push_back(state_of(uniform(random), static_cast<int>(random() % 40), random));
    std::vector<DraftOffer> offers;
    const auto kind = random() % 4;
    if (kind != 3)
      offers.push_back({.source = kind == 0 ? DraftSource::model : DraftSource::mtp,
                        .depth_max = depth_max,
                        .catch_up = static_cast<int64_t>(random() % 4)});
    if (random() % 2 == 0)
      offers.push_back({.source = static_cast<DraftSource>(2 + random() % 3),
                        .depth_max = static_cast<int64_t>(random() % (depth_max + 1))});
    batch.offers.push_back(offers);
  }
  for (size_t i = 0; i < batch.states.size(); i++)
    batch.candidates.push_back({.options = {.depth_max = depth_max},
                                .room = 100,
                                .state = &batch.states[i],
                                .offers = batch.offers[i]});
  batch.others.rows = static_cast<int64_t>(random() % 5);
  return batch;
}

/// Adds one member of a plan.
void add_member(const DepthCandidate& candidate, DraftSource source, int64_t depth,
                int64_t catch_up, StepPlan& plan, double& tokens) {
  plan.add(depth, catch_up, class_of(source));
  double kept = 1;
  tokens += 1;
  for (int64_t i = 0; i < depth; i++) tokens += kept *= candidate.state->acceptance(i, source);
}

/// The most tokens a millisecond of all plans.
double best_speed(const Batch& batch, const CostModel& costs, size_t from, const StepPlan& plan,
                  double tokens) {
  if (from == batch.candidates.size()) return tokens / costs.estimate(plan).ms;
  double best = 0;
  const auto with = [&](const DraftOffer& offer, int64_t depth) {
    StepPlan longer = plan;
    double more = tokens;
    add_member(batch.candidates[from], offer.source, depth, offer.catch_up, longer, more);
    best = std::max(best, best_speed(batch, costs, from + 1, longer, more));
  };
  with({}, 0);
  for (const DraftOffer& offer : batch.candidates[from].offers)
    for (int64_t depth = 1; depth <= offer.depth_max; depth++) with(offer, depth);
  return best;
}

double chosen_speed(const Batch& batch, const CostModel& costs,
                    std::span<const DepthChoice> choices) {
  StepPlan plan = batch.others;
  auto tokens = static_cast<double>(plan.rows);
  for (size_t i = 0; i < choices.size(); i++)
    add_member(batch.candidates[i], choices[i].source, choices[i].depth, choices[i].catch_up, plan,
               tokens);
  return tokens / costs.estimate(plan).ms;
}

const std::vector<Pass>& machines() {
  static const std::vector<Pass> list = {
      [](int64_t) { return 30.0; },
      [](int64_t n) { return 30 + 0.6 * static_cast<double>(n); },
      [](int64_t n) { return 30 + 9 * std::max(0.0, static_cast<double>(n) - 4); },
      [](int64_t n) { return 30 + 20 * static_cast<double>((n - 1) / 4); },
      [](int64_t n) { return 30 * std::sqrt(static_cast<double>(n)); },
      [](int64_t n) { return 15 + 15 * static_cast<double>(n); }};
  return list;
}

TEST(DepthPlanner, IsAsGoodAsTheBestOfAllPlans) {
  std::mt19937_64 random(3);
  DepthPlanner planner;
  double regret = 0;
  int cases = 0;
  for (const Pass& pass : machines())
    for (const double head : {0.01, 0.1, 0.3}) {
      const CostModel costs = measured(pass, head);
      for (int i = 0; i < 12; i++, cases++) {
        const Batch batch = random_batch(1 + i % 4, i % 4 == 3 ? 3 : 4, random);
        const double chosen = chosen_speed(batch, costs, planner.choose(batch.input(costs)));
        const double best =
            best_speed(batch, costs, 0, batch.others, static_cast<double>(batch.others.rows));
        // Less than 2 % of gain is noise, and left alone.
        EXPECT_GE(chosen, 0.98 * best) << cases;
        regret += 1 - chosen / best;
      }
    }
  EXPECT_LT(regret / cases, 0.003);
}

TEST(DepthPlanner, GoesDeepForOneAndNotAtAllForAFullBatch) {
  const CostModel costs =
      measured([](int64_t n) { return 30 + 15 * std::max(0.0, static_cast<double>(n) - 8); }, 0.02);
  std::mt19937_64 random(5);
  const DepthState state = state_of(0.9, 100, random);
  const DraftOffer head{.source = DraftSource::mtp, .depth_max = 6};
  DepthPlanner planner;
  int64_t depth_before = 7;
  for (const size_t sequences : {1, 2, 4, 8, 64}) {
    const std::vector<DepthCandidate> all(
        sequences,
        {.options = {.depth_max = 6}, .room = 100, .state = &state, .offers = std::span(&head, 1)});
    int64_t drafts = 0;
    for (const DepthChoice& choice : planner.choose({.costs = &costs, .candidates = all}))
      drafts += choice.depth;
    const int64_t depth = drafts / static_cast<int64_t>(sequences);
    EXPECT_LT(depth, depth_before) << sequences;
    depth_before = std::max<int64_t>(depth, 1);
    if (sequences == 1) {
      EXPECT_EQ(drafts, 6);
    }
    if (sequences >= 8) {
      EXPECT_EQ(drafts, 0);
    }
  }
}

TEST(DepthPlanner, PrefersWhatIsFreeAndGivesRoomToWhomItServesBest) {
  const CostModel costs =
      measured([](int64_t n) { return 30 + 30 * std::max(0.0, static_cast<double>(n) - 6); }, 0.2);
  std::mt19937_64 random(5);
  const DepthState good = state_of(0.95, 100, random);
  const DepthState bad = state_of(0.1, 100, random);
  const DraftOffer head{.source = DraftSource::mtp, .depth_max = 6};
  const std::vector<DepthCandidate> both = {
      {.options = {.depth_max = 6}, .room = 9, .state = &bad, .offers = std::span(&head, 1)},
      {.options = {.depth_max = 6}, .room = 9, .state = &good, .offers = std::span(&head, 1)}};
  DepthPlanner planner;
  const auto choices = planner.choose({.costs = &costs, .candidates = both});
  EXPECT_EQ(choices[0].depth, 0);
  EXPECT_EQ(choices[1].depth, 4);

  DepthState quoting = good;
  for (int i = 0; i < 50; i++) quoting.observe({.source = DraftSource::ngram_long}, 4, 4, 1);
  const std::vector<DraftOffer> offers = {head,
                                          {.source = DraftSource::ngram_long, .depth_max = 6}};
  const DepthCandidate candidate{
      .options = {.depth_max = 6}, .room = 9, .state = &quoting, .offers = offers};
  const auto quoted = planner.choose({.costs = &costs, .candidates = std::span(&candidate, 1)});
  EXPECT_EQ(quoted[0].source, DraftSource::ngram_long);
  EXPECT_EQ(quoted[0].depth, 5);
}

TEST(DepthPlanner, FixedTypesGetWhatTheyAskForAndNoMore) {
  const CostModel unknown;
  const DepthState state;
  const std::vector<DraftOffer> offers = {{.source = DraftSource::ngram_short, .depth_max = 16},
                                          {.source = DraftSource::mtp, .depth_max = 8},
                                          {.source = DraftSource::model, .depth_max = 3}};
  DepthPlanner planner;
  const auto choose = [&](SpecType type, int64_t room, std::span<const DraftOffer> from) {
    const DepthCandidate candidate{
        .options = {.type = type, .depth_max = 6}, .room = room, .state = &state, .offers = from};
    return planner.choose({.costs = &unknown, .candidates = std::span(&candidate, 1)})[0];
  };
  EXPECT_EQ(choose(SpecType::none, 9, offers).depth, 0);
  EXPECT_EQ(choose(SpecType::automatic, 9, offers).depth, 0);  // costs are not known yet
  EXPECT_EQ(choose(SpecType::mtp, 9, offers).depth, 6);
  EXPECT_EQ(choose(SpecType::mtp, 2, offers).depth, 2);
  EXPECT_EQ(choose(SpecType::model, 9, offers).depth, 3);
  EXPECT_EQ(choose(SpecType::model, 9, std::span(offers).first(2)).depth, 0);
  EXPECT_EQ(choose(SpecType::ngram, 9, offers).source, DraftSource::ngram_short);
  // A short match is no match as long as somebody else can draft.
  EXPECT_EQ(choose(SpecType::combined, 9, offers).source, DraftSource::mtp);
  EXPECT_EQ(choose(SpecType::combined, 9, std::span(offers).first(1)).source,
            DraftSource::ngram_short);
  std::vector<DraftOffer> longer = offers;
  longer[0].source = DraftSource::ngram_long;
  EXPECT_EQ(choose(SpecType::combined, 9, longer).source, DraftSource::ngram_long);
}

/// Drafts that are never right, for `sequences` that all hope: what steps lose by probes.
TEST(DepthPlanner, ProbesOfManyLoseNoMoreThanThoseOfOne) {
  const Pass pass = [](int64_t n) { return 30 + 2 * static_cast<double>(n); };
  for (const size_t sequences : {1, 4, 16}) {
    CostModel costs = measured(pass, 0.1);
    const DraftOffer head{.source = DraftSource::mtp, .depth_max = 6};
    std::vector<DepthState> states(sequences);
    std::vector<DepthCandidate> all;
    for (const DepthState& state : states)
      all.push_back({.options = {.depth_max = 6},
                     .room = 100,
                     .state = &state,
                     .offers = std::span(&head, 1)});
    DepthPlanner planner;
    double ms = 0;
    double off_ms = 0;
    for (int step = 0; step < 3000; step++) {
      const auto choices = planner.choose({.costs = &costs, .candidates = all});
      StepPlan plan;
      for (const DepthChoice& choice : choices) plan.add(choice.depth, 0);
      double head_ms = 0;
      for (const int64_t rows : plan.draft_rows) head_ms += rows > 0 ? 3.2 : 0;
      const double trunk_ms = pass(plan.rows);
      costs.observe(plan, head_ms, trunk_ms);
      for (size_t i = 0; i < sequences; i++)
        states[i].observe(choices[i], choices[i].depth, 0, costs.estimate(plan).ms);
      if (step < 300) continue;  // the first drafts are no probes: they are expected to be right
      ms += head_ms + trunk_ms;
      off_ms += pass(static_cast<int64_t>(sequences));
    }
    EXPECT_LT(ms, 1.01 * off_ms) << sequences;
    EXPECT_GT(ms, off_ms) << sequences;  // something was tried
  }
}

}  // namespace
}  // namespace troika
