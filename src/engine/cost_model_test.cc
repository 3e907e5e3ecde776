#include "engine/cost_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace troika {
namespace {

void observe(RowCost& cost, int64_t rows, double ms, int times = 1) {
  for (int i = 0; i < times; i++) cost.observe(std::span(&rows, 1), ms);
}

TEST(RowCostTest, TellsWhatItMeasuredAndInterpolates) {
  RowCost cost(0.05);
  observe(cost, 1, 30, 5);
  observe(cost, 5, 50, 5);
  EXPECT_NEAR(cost.at(1).ms, 30, 0.3);
  EXPECT_NEAR(cost.at(5).ms, 50, 0.5);
  EXPECT_NEAR(cost.at(3).ms, 40, 0.5);
}

TEST(RowCostTest, GoesOnWithTheSlopeSeenSoFar) {
  RowCost steep(0.05);
  RowCost flat(0.05);
  for (RowCost* cost : {&steep, &flat}) observe(*cost, 1, 30, 20);
  observe(steep, 5, 90, 20);
  observe(flat, 5, 30, 20);
  EXPECT_NEAR(steep.at(7).ms, 120, 6);
  EXPECT_NEAR(flat.at(7).ms, 30, 3);
  EXPECT_GT(RowCost(0.05).at(9).ms, RowCost(0.05).at(1).ms);
}

TEST(RowCostTest, KnowsItsLevelAfterTheSameRowsTwice) {
  RowCost cost(0.05);
  EXPECT_FALSE(cost.known());
  observe(cost, 1, 30);
  observe(cost, 2, 30);
  EXPECT_FALSE(cost.known());
  observe(cost, 2, 30);
  EXPECT_TRUE(cost.known());
}

TEST(RowCostTest, NeverFallsWithTheRowsWhateverTheNoise) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> noise(0.7, 1.4);
  RowCost cost(0.05);
  for (int i = 0; i < 400; i++) {
    observe(cost, 1 + static_cast<int64_t>(random() % 12), 30 * noise(random));
    for (int64_t rows = 1; rows < 16; rows++)
      ASSERT_LE(cost.at(rows).ms, cost.at(rows + 1).ms * (1 + 1e-12)) << i << ' ' << rows;
  }
  EXPECT_NEAR(cost.at(1).ms, 30, 4);
  EXPECT_NEAR(cost.at(12).ms, 32, 5);
}

TEST(RowCostTest, OutliersCountLittle) {
  RowCost cost(0.05);
  observe(cost, 1, 30, 10);
  observe(cost, 4, 33, 10);
  observe(cost, 4, 33 * 20);
  EXPECT_NEAR(cost.at(4).ms, 33, 3);  // a part is taken for the level's, which comes back at once
  EXPECT_NEAR(cost.at(4).ms / cost.at(1).ms, 1.1, 0.03);
}

TEST(RowCostTest, OfTheFirstTwoTimesOfAKnotTheSmallerIsBelieved) {
  RowCost cost(0.05);
  observe(cost, 1, 30, 10);
  observe(cost, 2, 500);
  EXPECT_LE(cost.at(2).ms, 61);  // one time alone says no more than that rows cost as before
  EXPECT_LT(cost.at(2).low_ms, 31);
  observe(cost, 2, 33);
  EXPECT_NEAR(cost.at(2).ms, 33, 1);
}

TEST(RowCostTest, DriftMovesTheWholeCurve) {
  RowCost cost(0.05);
  observe(cost, 1, 30, 50);
  observe(cost, 4, 36, 50);
  for (int i = 0; i < 200; i++) observe(cost, 4, 36 * (1 + i * 0.005));
  EXPECT_NEAR(cost.at(4).ms, 72, 4);
  EXPECT_GT(cost.at(1).ms, 50);  // most of it is taken for the level's
  EXPECT_LT(cost.at(1).ms, 62);
}

TEST(RowCostTest, ATimeOfSeveralLaunchesIsSharedOut) {
  RowCost cost(0.02);
  for (int i = 0; i < 50; i++) {
    const int64_t chain[] = {3, 1, 1, 0};
    const int64_t single[] = {3, 0, 0, 0};
    cost.observe(chain, 2 + 1 + 1);
    cost.observe(single, 2);
  }
  EXPECT_NEAR(cost.at(1).ms, 1, 0.05);
  EXPECT_NEAR(cost.at(3).ms, 2, 0.05);
}

TEST(RowCostTest, TimesThatCannotBeTeachNothing) {
  RowCost cost(0.05);
  observe(cost, 1, 30, 3);
  const double before = cost.at(4).ms;
  for (const double ms : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
    observe(cost, 1, ms);
  observe(cost, 0, 5);
  cost.observe({}, 5);
  EXPECT_EQ(cost.at(4).ms, before);
}

TEST(RowCostTest, ManyNumbersOfRowsAreTooFewToFillTheMemory) {
  RowCost cost(0.05);
  for (int64_t rows = 1; rows < 500; rows++) observe(cost, rows, static_cast<double>(rows), 2);
  EXPECT_NEAR(cost.at(499).ms, 499, 25);
  EXPECT_TRUE(std::isfinite(cost.at(100'000).ms));
}

TEST(CostModelTest, APlanIsTheRowsOfAllItsSequences) {
  StepPlan plan;
  plan.add(0, 7);  // the head rests: nothing to catch up
  plan.add(3, 2);
  plan.add(1, 0);
  EXPECT_EQ(plan.rows, 1 + 4 + 2);
  EXPECT_EQ(plan.draft_rows[0], 2 + 2);
  EXPECT_EQ(plan.draft_rows[1], 1);
  EXPECT_EQ(plan.draft_rows[2], 1);
  EXPECT_EQ(plan.draft_rows[3], 0);
}

TEST(CostModelTest, AddsDraftingToThePass) {
  CostModel costs;
  EXPECT_FALSE(costs.known());
  StepPlan plain;
  plain.add(0, 0);
  StepPlan drafted;
  drafted.add(2, 0);
  for (int i = 0; i < 20; i++) {
    costs.observe(plain, 0, 30);
    costs.observe(drafted, 4, 33);
  }
  EXPECT_TRUE(costs.known());
  EXPECT_NEAR(costs.estimate(plain).ms, 30, 0.5);
  EXPECT_NEAR(costs.estimate(drafted).ms, 37, 0.5);
  StepPlan deep;
  deep.add(6, 0);
  EXPECT_NEAR(costs.estimate(deep).ms, 39 + 6 * 2, 3);
}

TEST(CostModelTest, SupposesThatDraftsCostSomethingBeforeItKnows) {
  CostModel costs;
  StepPlan plain;
  plain.add(0, 0);
  for (int i = 0; i < 3; i++) costs.observe(plain, 0, 30);
  StepPlan drafted;
  drafted.add(1, 0);
  EXPECT_GT(costs.estimate(drafted).ms, 32);
  EXPECT_LT(costs.estimate(drafted).ms, 40);
}

TEST(CostModel, CurvesAreWhatSinglePlansCost) {
  CostModel costs;
  const auto expect_equal = [&costs] {
    CostCurves curves{.trunk_first = 3, .trunk = {}, .head = {}, .model = {}};
    curves.trunk.resize(30);
    curves.head.resize(12);
    curves.model.resize(12);
    costs.fill(curves);
    for (int64_t rows = 3; rows < 33; rows++)
      for (int64_t launch = 0; launch < 12; launch++) {
        StepPlan plan{.rows = rows};
        plan.draft_rows[0] = launch;
        plan.model_rows[0] = 11 - launch;
        const CostEstimate sum = costs.estimate(plan);
        const CostEstimate& trunk = curves.trunk[static_cast<size_t>(rows - 3)];
        const CostEstimate& head = curves.head[static_cast<size_t>(launch)];
        const CostEstimate& model = curves.model[static_cast<size_t>(11 - launch)];
        ASSERT_NEAR(trunk.ms + head.ms + model.ms, sum.ms, 1e-9) << rows << " " << launch;
        ASSERT_NEAR(trunk.low_ms + head.low_ms + model.low_ms, sum.low_ms, 1e-9);
      }
  };
  expect_equal();
  for (const int64_t rows : {5, 9, 5, 9, 17, 30, 12, 12}) {
    StepPlan plan{.rows = rows};
    plan.draft_rows[0] = rows / 4;
    if (rows > 9) plan.model_rows[0] = rows / 3;
    costs.observe(plan, {.head_ms = 0.1 * static_cast<double>(rows), .model_ms = 3},
                  10 + static_cast<double>(rows));
    expect_equal();
  }
}

TEST(CostModel, LearnsADraftModelBesideTheHeadAndNGramsForNothing) {
  CostModel costs;
  StepPlan plan{.rows = 4};
  plan.add(2, 0, DraftClass::mtp);
  plan.add(3, 5, DraftClass::model);
  plan.add(4, 7, DraftClass::ngram);
  EXPECT_EQ(plan.rows, 4 + 3 + 4 + 5);
  EXPECT_EQ(plan.draft_rows[0], 1);
  EXPECT_EQ(plan.draft_rows[2], 0);
  EXPECT_EQ(plan.model_rows[0], 6);
  EXPECT_EQ(plan.model_rows[2], 1);
  for (int i = 0; i < 20; i++) costs.observe(plan, {.head_ms = 2, .model_ms = 12}, 40);
  StepPlan none{.rows = plan.rows};
  StepPlan head = none;
  head.draft_rows = plan.draft_rows;
  EXPECT_NEAR(costs.estimate(none).ms, 40, 0.5);
  EXPECT_NEAR(costs.estimate(head).ms, 42, 0.5);
  EXPECT_NEAR(costs.estimate(plan).ms, 54, 0.5);
}

}  // namespace
}  // namespace troika
