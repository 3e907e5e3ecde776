// A group as a device: what it hands out, how it refuses, and what becomes of a step in which a
// member fails.
#include "device/group/group_device.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "device/reference/reference_device.h"
#include "sharding/failing_device.h"
#include "sharding/group.h"
#include "sharding/wide_model.h"
#include "support/generate.h"
#include "support/models.h"

namespace troika::testing {
namespace {

std::unique_ptr<Device> cpu() {
  return make_members({1});
}

TEST(GroupDeviceTest, WhatCannotBeAGroupIsRefused) {
  std::vector<std::unique_ptr<Device>> none;
  EXPECT_FALSE(make_group_device(std::move(none), {}).ok());
  std::vector<std::unique_ptr<Device>> two;
  two.push_back(cpu());
  two.push_back(make_reference_device());
  const auto mixed = make_group_device(std::move(two), {1, 1});
  ASSERT_FALSE(mixed.ok());
  EXPECT_EQ(mixed.error().message(), "device reference cannot be a member of a group");
  std::vector<std::unique_ptr<Device>> one;
  one.push_back(cpu());
  EXPECT_EQ(make_group_device(std::move(one), {1, 1}).error().message(), "2 shares for 1 devices");
}

TEST(GroupDeviceTest, PlainMemoryIsAlikeEverywhere) {
  const auto group = make_members({1, 1});
  auto buffer = group->allocate(8);
  ASSERT_TRUE(buffer.ok());
  const std::array<std::byte, 4> bytes = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  ASSERT_TRUE(group->write({buffer->get(), 0}, bytes).ok());
  ASSERT_TRUE(group->copy({buffer->get(), 0}, {buffer->get(), 4}, 4).ok());
  ASSERT_TRUE(group->fill({buffer->get(), 0}, std::byte{9}, 2).ok());
  std::array<std::byte, 8> read{};
  const auto event = group->read({buffer->get(), 0}, read);
  ASSERT_TRUE(event.ok());
  ASSERT_TRUE(group->wait(*event).ok());
  const std::array<std::byte, 8> wanted = {std::byte{9}, std::byte{9}, std::byte{3}, std::byte{4},
                                           std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  EXPECT_EQ(read, wanted);
  EXPECT_FALSE(group->read({buffer->get(), 4}, read).ok());
  EXPECT_FALSE(group->wait({1000}).ok());
}

TEST(GroupDeviceTest, AStateThatNoGraphUsesHoldsNothing) {
  const auto group = make_members({1, 1});
  const auto state = group->allocate_state(KvState{2, 32, 32}, {}, 3);
  ASSERT_TRUE(state.ok());
  std::array<std::byte, 4> bytes{};
  const auto read = group->read({state->get(), 0}, bytes);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().message(), "a state that no graph uses");
  EXPECT_FALSE(group->allocate_state(KvState{1, 20, 20}, {.kv_dtype = DType::q8_0}, 1).ok());
}

TEST(GroupDeviceTest, ModelsTakeTheirShareOfEachMember) {
  const auto one = make_members({1});
  const auto group = make_members({1, 1});
  Result<gguf::File> file = gguf::File::open(model_path("k-llama-q4_k"));
  ASSERT_TRUE(file.ok());
  const Result<Model> model = make_model(*file, {});
  ASSERT_TRUE(model.ok());
  int64_t alone = 0;
  int64_t divided = 0;
  int64_t copied = 0;
  for (const WeightInfo& weight : model->weights) {
    alone += one->weight_bytes(weight);
    divided += group->weight_bytes(weight);
    if (weight.sharing == Sharing{} || weight.use == WeightUse::matmul_lookup)
      copied += one->weight_bytes(weight);
  }
  EXPECT_LE(divided, alone + 2 * copied);
}

TEST(GroupDeviceTest, WhatMembersHoldIsWhatTheGroupHolds) {
  const auto group = make_members({3, 1});
  ASSERT_EQ(group->members().size(), 2U);
  EXPECT_EQ(group->held().total(), 0);
  const std::filesystem::path path =
      std::filesystem::path(::testing::TempDir()) / "held_by_members.gguf";
  WideModel("llama", DType::q8_0).write(path);
  const OpenModel model = open_model(path, *group);
  const auto engine =
      Engine::make(model.loaded, {.context = 128}, {.tokens = model.loaded.model.info.vocab});
  ASSERT_TRUE(engine.ok()) << engine.error().message();
  HeldMemory sum;
  for (const auto& member : group->members()) {
    EXPECT_GT(member->held().weights, 0);
    EXPECT_GT(member->held().states, 0);
    EXPECT_GT(member->held().work, 0);
    sum += member->held();
  }
  std::filesystem::remove(path);
  EXPECT_EQ(group->held().total(), sum.total());
  EXPECT_GT(group->members()[0]->held().weights, group->members()[1]->held().weights);
}

TEST(GroupDeviceTest, AMemberThatFailsEndsTheStepForAll) {
  std::vector<std::unique_ptr<Device>> members;
  members.push_back(cpu());
  members.push_back(std::make_unique<FailingDevice>(cpu(), 3));
  members.push_back(cpu());
  auto group = make_group_device(std::move(members), {1, 1, 1});
  ASSERT_TRUE(group.ok());
  const OpenModel model = open_model(model_path("k-llama-q4_k"), **group);
  auto engine =
      Engine::make(model.loaded, {.context = 128}, {.tokens = model.loaded.model.info.vocab});
  ASSERT_TRUE(engine.ok()) << engine.error().message();
  Request request{.tokens_max = 20};
  request.prompt = {TokenId{1}, TokenId{2}};
  const auto id = (*engine)->submit(std::move(request));
  ASSERT_TRUE(id.ok());
  Result<bool> more = true;
  int steps = 0;
  for (; more.ok() && *more && steps < 20; steps++) more = (*engine)->step();
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(steps, 3);
  EXPECT_EQ(more.error().code(), ErrorCode::device_lost);
  EXPECT_NE(more.error().message().find("member 1 of 3 (cpu"), std::string::npos)
      << more.error().message();
  EXPECT_NE(more.error().message().find("it went away"), std::string::npos);
  // What the others had in their states then is not known: there is no way on.
  const auto again = (*engine)->step();
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.error().message().find("load the model anew"), std::string::npos)
      << again.error().message();
}

}  // namespace
}  // namespace troika::testing
