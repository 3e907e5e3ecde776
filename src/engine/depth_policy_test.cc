#include "engine/depth_policy.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

DraftStatistics statistics(int64_t steps, std::initializer_list<int64_t> accepted_at,
                           int64_t depth) {
  DraftStatistics drafts{.steps = steps};
  size_t i = 0;
  for (const int64_t accepted : accepted_at) drafts.accepted_at[i++] = accepted;
  for (size_t d = 0; d < static_cast<size_t>(depth); d++) drafts.proposed_at[d] = steps;
  return drafts;
}

int64_t depth(SpecType type, int64_t depth_max, int64_t room, const DraftStatistics& drafts) {
  return choose_depth(
      {.options = {.type = type, .depth_max = depth_max}, .room = room, .drafts = &drafts});
}

TEST(DepthPolicyTest, NoneNeverDrafts) {
  EXPECT_EQ(depth(SpecType::none, 8, 100, {}), 0);
}

TEST(DepthPolicyTest, MtpDraftsExactlyItsDepthButNotBeyondTheText) {
  const DraftStatistics refused = statistics(100, {}, 4);
  EXPECT_EQ(depth(SpecType::mtp, 4, 100, refused), 4);
  EXPECT_EQ(depth(SpecType::mtp, 4, 2, refused), 2);
  EXPECT_EQ(depth(SpecType::mtp, 4, 0, refused), 0);
  EXPECT_EQ(depth(SpecType::mtp, 4, -1, refused), 0);
}

TEST(DepthPolicyTest, AutoStartsWithDrafts) {
  EXPECT_GE(depth(SpecType::automatic, 8, 100, {}), 1);
}

TEST(DepthPolicyTest, AutoGoesDeepWhereDraftsAreAccepted) {
  EXPECT_EQ(depth(SpecType::automatic, 3, 100, statistics(100, {100, 100, 100}, 3)), 3);
}

TEST(DepthPolicyTest, AutoStopsWhereTheChainBreaks) {
  EXPECT_EQ(depth(SpecType::automatic, 8, 100, statistics(101, {95, 20, 5}, 3)), 1);
}

TEST(DepthPolicyTest, AutoGivesUpOnRefusedDraftsAndTriesAgainNowAndThen) {
  EXPECT_EQ(depth(SpecType::automatic, 8, 100, statistics(101, {2}, 1)), 0);
  EXPECT_EQ(depth(SpecType::automatic, 8, 100, statistics(128, {2}, 1)), 1);
  EXPECT_EQ(depth(SpecType::automatic, 8, 0, statistics(128, {2}, 1)), 0);
}

}  // namespace
}  // namespace troika
