#include "plan/member_memory.h"

#include <gtest/gtest.h>

#include "runtime/devices.h"
#include "support/planned_model.h"

namespace troika {
namespace {

using testing::PlannedModel;

const EngineOptions kTwoUsers{
    .context = 128, .sequences_max = 2, .chunk_tokens = 16, .draft_tokens_max = 0};

std::vector<MemberMemory> memory_of(const Model& model, const Shares& shares) {
  const auto device =
      std::move(make_device({.kind = "reference"})).value();  // weights are floats there
  const std::vector<const Device*> devices(shares.size(), device.get());
  const auto memory = member_memory(model, kTwoUsers, shares, devices);
  EXPECT_TRUE(memory.ok()) << memory.error().message();
  return memory.ok() ? *memory : std::vector<MemberMemory>();
}

constexpr int64_t kTable = 128 * 64 * 4;                          // bytes of float32
constexpr int64_t kMatrices = (4 * 256 * 64 + 2 * 512 * 64) * 4;  // q, k, v, o; up, down
// Two pages for each of two users: 64 tokens, 8 heads, 32 numbers of a key and as many of a value.
constexpr int64_t kKv = 4 * 64 * 8 * (32 + 32) * 2;

TEST(MemberMemoryTest, ADeviceAloneHoldsAllOfTheModel) {
  const auto memory = memory_of(PlannedModel().model, {1});
  ASSERT_EQ(memory.size(), 1U);
  EXPECT_EQ(memory[0].weights, kTable + kMatrices);
  EXPECT_EQ(memory[0].kv, kKv);
  EXPECT_EQ(memory[0].states, 0);
}

TEST(MemberMemoryTest, MembersHoldTheirSharesAndATableEach) {
  const auto memory = memory_of(PlannedModel().model, {3, 1});
  ASSERT_EQ(memory.size(), 2U);
  EXPECT_EQ(memory[0].weights, kTable + 3 * (kTable + kMatrices) / 4);
  EXPECT_EQ(memory[1].weights, kTable + (kTable + kMatrices) / 4);
  EXPECT_EQ(memory[0].kv, 3 * kKv / 4);
  EXPECT_EQ(memory[1].kv, kKv / 4);
}

TEST(MemberMemoryTest, BuffersAreWithEveryMember) {
  const PlannedModel planned;
  const ForwardOptions forward = Engine::forward_need(planned.model, kTwoUsers);
  // Steps of 16 + 2 * 5 rows, 2 outputs, 4 pages: four lists of 26 ids, two of spans (32 bytes
  // each), two of a few ids, in lines of 64 bytes; logits of 2 rows and their argmax.
  const int64_t buffers = Forward::buffer_bytes(planned.model.info, forward);
  EXPECT_EQ(buffers, 4 * 128 + 4 * 64 + 2 * 128 * 4 + 2 * 4);
  for (const MemberMemory& member : memory_of(planned.model, {3, 1})) {
    EXPECT_GT(member.work, buffers);
    EXPECT_LT(member.work, buffers + 26 * (64 + 3 * 256 + 512 + 64) * 2 * 4);
  }
}

TEST(MemberMemoryTest, WhatDoesNotFitIsToldByMember) {
  const std::vector<MemberMemory> members = {{.weights = 3 << 20, .kv = 1 << 20},
                                             {.weights = 5 << 20, .kv = 1 << 20}};
  const std::vector<std::string> names = {"cpu:0", "cpu:1"};
  EXPECT_TRUE(check_fit(members, names, 10 << 20).ok());
  const Status status = check_fit(members, names, 9 << 20);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::exhausted);
  EXPECT_NE(status.error().message().find("member 1 of 2 (cpu:1) needs 6.0 MiB (weights 5.0 MiB"),
            std::string::npos)
      << status.error().message();
  EXPECT_NE(status.error().message().find("5.0 MiB are there beside"), std::string::npos);
}

TEST(MemberMemoryTest, MembersWithMemoryOfTheirOwnTakeNoneFromOthers) {
  std::vector<MemberMemory> members = {{.weights = 6 << 20, .own = 8 << 20}, {.weights = 5 << 20}};
  const std::vector<std::string> names = {"vulkan:0", "cpu"};
  EXPECT_TRUE(check_fit(members, names, 5 << 20).ok());
  members[0].weights = 9 << 20;
  const Status status = check_fit(members, names, 64 << 20);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message().find("member 0 of 2 (vulkan:0) needs 9.0 MiB"),
            std::string::npos);
  EXPECT_NE(status.error().message().find("8.0 MiB are there;"), std::string::npos)
      << status.error().message();
}

}  // namespace
}  // namespace troika
