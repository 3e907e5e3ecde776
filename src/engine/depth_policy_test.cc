// What is learned of drafts, and the depths that a planner chooses from it for one sequence.
#include "engine/depth_policy.h"

#include <gtest/gtest.h>

#include <functional>

#include "engine/depth_planner.h"

namespace troika {
namespace {

/// One sequence over a machine whose passes take what `pass` says, and a head that takes a tenth of
/// a pass of one row.
class DepthPolicyTest : public ::testing::Test {
 protected:
  using Pass = std::function<double(int64_t rows)>;

  DepthChoice choose(SpecType type, int64_t depth_max, int64_t room, const StepPlan& others = {}) {
    const DepthCandidate candidate{.options = {.type = type, .depth_max = depth_max},
                                   .room = room,
                                   .state = &state_,
                                   .offers = std::span(&head_, 1)};
    return planner_.choose({.costs = &costs_,
                            .others = others,
                            .others_tokens = static_cast<double>(others.rows),
                            .candidates = std::span(&candidate, 1)})[0];
  }

  /// Writes by choice, with `accepted` drafts accepted if there are as many. Returns all drafts.
  int64_t write(int64_t steps, int64_t accepted, const Pass& pass) {
    int64_t drafts = 0;
    for (int64_t i = 0; i < steps; i++) {
      const DepthChoice choice = choose(SpecType::automatic, 6, 1000);
      StepPlan plan;
      plan.add(choice.depth, 0);
      costs_.observe(plan, static_cast<double>(choice.depth) * pass(1) / 10, pass(plan.rows));
      state_.observe(choice, choice.depth, std::min(accepted, choice.depth),
                     costs_.estimate(plan).ms);
      drafts += choice.depth;
    }
    return drafts;
  }

  const DraftOffer head_{.source = DraftSource::mtp, .depth_max = kDraftTokensMax};
  DepthState state_;
  CostModel costs_;
  DepthPlanner planner_;
};

double flat(int64_t rows) {
  return 30 + 0.3 * static_cast<double>(rows);
}

double linear(int64_t rows) {
  return 30 * static_cast<double>(rows);
}

TEST_F(DepthPolicyTest, NoneNeverDrafts) {
  EXPECT_EQ(choose(SpecType::none, 8, 100).depth, 0);
}

TEST_F(DepthPolicyTest, MtpDraftsExactlyItsDepthButNotBeyondTheText) {
  write(100, 0, flat);
  EXPECT_EQ(choose(SpecType::mtp, 4, 100).depth, 4);
  EXPECT_EQ(choose(SpecType::mtp, 4, 2).depth, 2);
  EXPECT_EQ(choose(SpecType::mtp, 4, 0).depth, 0);
  EXPECT_EQ(choose(SpecType::mtp, 4, -1).depth, 0);
}

TEST_F(DepthPolicyTest, AutoMeasuresAStepWithoutDraftsAndThenStarts) {
  EXPECT_EQ(write(2, 6, flat), 0);
  EXPECT_GE(choose(SpecType::automatic, 6, 100).depth, 1);
}

TEST_F(DepthPolicyTest, AutoGoesAsDeepAsItMayWhereDraftsAreAcceptedAndRowsAreCheap) {
  write(40, 6, flat);
  EXPECT_EQ(choose(SpecType::automatic, 6, 100).best, 6);
  EXPECT_EQ(choose(SpecType::automatic, 3, 100).best, 3);
  EXPECT_LE(choose(SpecType::automatic, 6, 2).depth, 2);
  EXPECT_EQ(choose(SpecType::automatic, 6, 0).depth, 0);
}

TEST_F(DepthPolicyTest, AutoStopsWhereTheChainBreaks) {
  write(100, 2, flat);
  EXPECT_EQ(choose(SpecType::automatic, 6, 100).best, 2);
}

TEST_F(DepthPolicyTest, AutoStopsWhereRowsGetDear) {
  write(200, 6, [](int64_t rows) { return rows <= 4 ? 30.0 : 60 * static_cast<double>(rows - 3); });
  EXPECT_EQ(choose(SpecType::automatic, 6, 100).best, 3);
}

TEST_F(DepthPolicyTest, AutoDoesNotDraftWhereRowsCostWhatTokensCost) {
  EXPECT_LT(write(500, 6, linear), 40);
  EXPECT_EQ(choose(SpecType::automatic, 6, 100).best, 0);
}

TEST_F(DepthPolicyTest, AutoTriesHopelessDraftsRarelyAndFollowsTheTextWhenItTurns) {
  write(100, 0, flat);
  EXPECT_EQ(choose(SpecType::automatic, 6, 100).best, 0);
  const int64_t tried = write(1000, 0, flat);
  EXPECT_GE(tried, 8);
  EXPECT_LE(tried, 100);  // a draft costs a tenth of a step
  write(150, 6, flat);
  EXPECT_GE(choose(SpecType::automatic, 6, 100).best, 4);
}

TEST_F(DepthPolicyTest, ProbesWaitUntilTheyCanBeAfforded) {
  DepthState state;
  EXPECT_TRUE(state.may_probe(0.5));
  EXPECT_FALSE(state.may_probe(5));
  for (int i = 0; i < 1000; i++) state.observe({.off_ms = 30}, 0, 0, 30);
  EXPECT_TRUE(state.may_probe(5));
  EXPECT_FALSE(state.may_probe(50));
  state.observe({.depth = 1, .probe = true, .best_ms_a_token = 30, .off_ms = 30}, 1, 0, 40);
  EXPECT_FALSE(state.may_probe(0));  // refused: not at once again
}

TEST_F(DepthPolicyTest, RecentDraftsCountMore) {
  DepthState state;
  for (int i = 0; i < 300; i++) state.observe({}, 1, 0, 1);
  EXPECT_LT(state.acceptance(0), 0.05);
  for (int i = 0; i < 100; i++) state.observe({}, 1, 1, 1);
  EXPECT_GT(state.acceptance(0), 0.7);
  EXPECT_GT(state.acceptance_high(0), state.acceptance(0) - 0.05);
  EXPECT_LE(state.acceptance_high(0), 1);
  EXPECT_LT(state.acceptance(1), state.acceptance(0));  // not seen: a little less than the first
}

TEST_F(DepthPolicyTest, ABatchLeavesNoRoomForDraftsBeyondWhereRowsAreCheap) {
  const Pass knee = [](int64_t rows) {
    return rows <= 8 ? 30.0 : 30 * static_cast<double>(rows - 7);
  };
  write(60, 6, knee);
  for (int64_t rows = 1; rows <= 16; rows++) {
    StepPlan plan;
    plan.rows = rows;
    for (int i = 0; i < 10; i++) costs_.observe(plan, 0, knee(rows));
  }
  EXPECT_EQ(choose(SpecType::automatic, 6, 100).best, 6);
  EXPECT_EQ(choose(SpecType::automatic, 6, 100, {.rows = 4}).best, 3);
  EXPECT_EQ(choose(SpecType::automatic, 6, 100, {.rows = 8}).best, 0);
}

}  // namespace
}  // namespace troika
