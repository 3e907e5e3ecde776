#include "plan/step_time.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/planned_model.h"

namespace troika {
namespace {

TEST(StepTimeTest, AnOpTakesTheLongerOfMemoryAndArithmeticAndItsFixedCost) {
  // 100 bytes at 50 a second: 2 s; 30 operations at 10 and 8 at 4: 3 + 2 s.
  const MemberSpeed speed{.bytes_per_s = 50, .int8_per_s = 10, .f32_per_s = 4, .op_s = 0.25};
  const std::vector<MemberStep> steps = {
      {.runs = {{{.weight_bytes = 60, .state_bytes = 40},
                 {.weight_bytes = 100, .int8_operations = 30, .f32_operations = 8}}},
       .shown_bytes = {}}};
  const StepTime time = time_of_step(steps, std::vector{speed}, {});
  EXPECT_DOUBLE_EQ(time.memory_s, 2);
  EXPECT_DOUBLE_EQ(time.compute_s, 5);
  EXPECT_DOUBLE_EQ(time.ops_s, 0.5);
  EXPECT_DOUBLE_EQ(time.total_s(), 7.5);
  EXPECT_EQ(time.exchanges, 0);
}

TEST(StepTimeTest, BetweenExchangesTheSlowestMemberCounts) {
  // Before the exchange 10 s and 20 s, behind it 10 s and 4 s; then 0.5 s, and the 30 bytes of the
  // second member at 10 a second for the first, which shows but 10.
  const std::vector<MemberStep> steps = {
      {.runs = {{{.weight_bytes = 10}}, {{.weight_bytes = 10}}}, .shown_bytes = {10}},
      {.runs = {{{.weight_bytes = 100}}, {{.weight_bytes = 20}}}, .shown_bytes = {30}}};
  const std::vector<MemberSpeed> speeds = {{.bytes_per_s = 1}, {.bytes_per_s = 5}};
  const StepTime time = time_of_step(steps, speeds, {.latency_s = 0.5, .bytes_per_s = 10});
  EXPECT_DOUBLE_EQ(time.memory_s, 20 + 10);
  EXPECT_DOUBLE_EQ(time.exchange_s, 0.5 + 3);
  EXPECT_DOUBLE_EQ(time.exchange_share(), 3.5 / 33.5);
  EXPECT_EQ(time.exchanges, 1);
}

double weight_bytes(const MemberStep& step) {
  double bytes = 0;
  for (const auto& run : step.runs)
    for (const StepWork& work : run) bytes += work.weight_bytes;
  return bytes;
}

TEST(StepTimeTest, MembersReadTheirSharesAndShowTheirSums) {
  const testing::PlannedModel planned(false);
  const Model& model = planned.model;
  const StepShape shape{.rows = 2};
  const auto alone = member_steps(model.trunk, model.weights, {}, {1}, shape);
  ASSERT_TRUE(alone.ok()) << alone.error().message();
  const double row = 64 / 32 * 34;  // bytes of an embedding
  const double half = 512 * row;    // of up or of down
  EXPECT_DOUBLE_EQ(weight_bytes((*alone)[0]), 2 * row + 2 * half + 128 * row);

  const auto steps = member_steps(model.trunk, model.weights, {}, {3, 1}, shape);
  ASSERT_TRUE(steps.ok()) << steps.error().message();
  ASSERT_EQ(steps->size(), 2U);
  // Each looks both rows up, and has its part of the three matrices.
  EXPECT_DOUBLE_EQ(weight_bytes((*steps)[0]), 2 * row + 0.75 * (2 * half + 128 * row));
  EXPECT_DOUBLE_EQ(weight_bytes((*steps)[1]), 2 * row + 0.25 * (2 * half + 128 * row));
  // One exchange for the sum, of two rows, which the larger member shows in two subtrees (4 + 2
  // leaves of 8); one for the choice of the one output row.
  EXPECT_EQ((*steps)[0].shown_bytes, (std::vector<double>{2 * 2 * 64 * 4, 2 * 4}));
  EXPECT_EQ((*steps)[1].shown_bytes, (std::vector<double>{2 * 64 * 4, 2 * 4}));
}

TEST(StepTimeTest, AttentionReadsTheKeysOfItsHeads) {
  const testing::PlannedModel planned;
  const Model& model = planned.model;
  const StepShape shape{.rows = 3, .sequences = 3, .context = 99};
  const auto steps = member_steps(model.trunk, model.weights, model.states, {1, 1}, shape);
  ASSERT_TRUE(steps.ok()) << steps.error().message();
  double bytes = 0;
  for (const auto& run : (*steps)[0].runs)
    for (const StepWork& work : run) bytes += work.state_bytes;
  // Three users, 100 keys and values each, in f16, of half of the heads.
  EXPECT_DOUBLE_EQ(bytes, 3 * 100 * 2 * 2 * 32 * 8 / 2);
  EXPECT_EQ((*steps)[0].shown_bytes.size(), 3U);  // behind both layers, and the choice
}

}  // namespace
}  // namespace troika
