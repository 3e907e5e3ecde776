#include "plan/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "plan/speed_probe.h"
#include "runtime/devices.h"
#include "support/planned_model.h"

namespace troika {
namespace {

using testing::PlannedModel;

const PlanRequest kRequest{
    .engine = {.context = 128, .sequences_max = 4, .chunk_tokens = 16, .draft_tokens_max = 0},
    .depth = 20};

struct Group {
  std::unique_ptr<Device> device = std::move(make_device({.kind = "reference"})).value();
  PlanMembers members;

  explicit Group(const std::vector<MemberSpeed>& speeds, LinkSpeed link = {}) {
    members = {.names = std::vector<std::string>(speeds.size(), "member"),
               .devices = std::vector<const Device*>(speeds.size(), device.get()),
               .speeds = speeds,
               .link = link,
               .available_bytes = int64_t{1} << 40};
  }
};

/// Nothing but reading counts.
MemberSpeed reader(double bytes_per_s) {
  return {.bytes_per_s = bytes_per_s, .int8_per_s = 1e30, .f32_per_s = 1e30};
}

constexpr double kRow = 2 * 34;                         // bytes of 64 inputs in Q8_0
constexpr double kMatrices = (512 + 512 + 128) * kRow;  // up, down, output

TEST(PlanTest, RatesAreTokensByTheTimesOfSteps) {
  const PlannedModel planned(false);
  const Group one({reader(1000)});
  const auto p = predict(planned.model, kRequest, one.members, {1});
  ASSERT_TRUE(p.ok()) << p.error().message();
  EXPECT_DOUBLE_EQ(p->one_user.tokens_per_s, 1000 / (kRow + kMatrices));
  EXPECT_DOUBLE_EQ(p->all_users.tokens_per_s, 4 * 1000 / (4 * kRow + kMatrices));
  // 20 tokens in chunks of 16 and 4, each of which reads all matrices.
  EXPECT_DOUBLE_EQ(p->prompt.tokens_per_s, 20 * 1000 / (20 * kRow + 2 * kMatrices));
  EXPECT_FALSE(p->drafts);
}

TEST(PlanTest, ExchangesAreCounted) {
  const PlannedModel planned(false);
  const Group two({reader(1000), reader(1000)}, {.latency_s = 7, .bytes_per_s = 100});
  const auto p = predict(planned.model, kRequest, two.members, {1, 1});
  ASSERT_TRUE(p.ok()) << p.error().message();
  EXPECT_EQ(p->one_user.time.exchanges, 2);
  EXPECT_DOUBLE_EQ(p->one_user.time.memory_s, (kRow + kMatrices / 2) / 1000);
  // 64 floats of a sum, and a pair of a number and its place.
  EXPECT_DOUBLE_EQ(p->one_user.time.exchange_s, 2 * 7 + (64 * 4 + 2 * 4) / 100.0);
}

TEST(PlanTest, TheSplitFollowsSpeed) {
  const PlannedModel planned(false);
  const Group group({reader(3000), reader(1000)});
  const auto split = recommend_split(planned.model, kRequest, group.members);
  ASSERT_TRUE(split.ok()) << split.error().message();
  EXPECT_EQ(*split, (Shares{3, 1}));
}

TEST(PlanTest, AMemberBehindASlowLinkMayGetNothing) {
  const PlannedModel planned(false);
  const Group group({reader(1000), reader(10)});
  const auto split = recommend_split(planned.model, kRequest, group.members);
  ASSERT_TRUE(split.ok()) << split.error().message();
  EXPECT_EQ(leaves_of(kLeavesMax, *split, 0).end, kLeavesMax);
}

TEST(PlanTest, WhereNothingFitsThatIsTold) {
  const PlannedModel planned;
  Group group({reader(1), reader(1)});
  group.members.available_bytes = 1000;
  const auto split = recommend_split(planned.model, kRequest, group.members);
  ASSERT_FALSE(split.ok());
  EXPECT_EQ(split.error().code(), ErrorCode::exhausted);
}

TEST(PlanTest, BeyondEightMembersNobodyWorks) {
  EXPECT_EQ(members_at_work(Shares(4, 1)), 4);
  EXPECT_EQ(members_at_work(Shares(8, 1)), 8);
  EXPECT_EQ(members_at_work(Shares(64, 1)), 8);
  EXPECT_EQ(members_at_work({15, 1}), 1);
}

TEST(PlanTest, MembersMeetInRoundsOfDoubling) {
  EXPECT_DOUBLE_EQ(exchange_over(5, 1, 1).latency_s, 0);
  EXPECT_DOUBLE_EQ(exchange_over(5, 1, 2).latency_s, 5);
  EXPECT_DOUBLE_EQ(exchange_over(5, 1, 5).latency_s, 15);
  EXPECT_DOUBLE_EQ(exchange_over(5, 1, 64).latency_s, 30);
}

TEST(SpeedProbeTest, ProbesHaveTheTypesOfTheModelInItsMix) {
  PlannedModel planned(false);
  planned.model.weights[1].dtype = DType::f16;  // up: as many elements as down
  // Of 128 + 512 + 512 rows of 64, two rows of Q8_0 to one of F16 or so.
  const auto types = probe_types(planned.model, 64 * 32, int64_t{1} << 30);
  EXPECT_EQ(std::ranges::count(types, DType::f16), 16);
  EXPECT_EQ(std::ranges::count(types, DType::q8_0), 4 + 16);
  EXPECT_EQ(probe_types(planned.model, 64 * 4096, 1 << 30).size(), 1U);
}

TEST(SpeedProbeTest, TheMedianOfRoundsIsTakenSpeedBySpeed) {
  const auto round = [](double bytes_per_s, double latency_s) {
    return GroupSpeed{.members = {{.bytes_per_s = bytes_per_s}}, .link = {.latency_s = latency_s}};
  };
  const std::vector<GroupSpeed> rounds = {round(3, 10), round(1, 30), round(2, 20)};
  const GroupSpeed median = median_of(rounds);
  EXPECT_EQ(median.members[0].bytes_per_s, 2);
  EXPECT_EQ(median.link.latency_s, 20);
}

}  // namespace
}  // namespace troika
