#include "device/vulkan/vulkan_device.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>

#include "device/vulkan/instance.h"
#include "support/ops_rig.h"
#include "support/random_blocks.h"
#include "support/sanitized.h"

namespace troika {
namespace {

using testing::OpRig;
using testing::random_floats;
using testing::StepInputs;

/// The first device; none where the machine has none, which is said.
std::unique_ptr<Device> vulkan_device() {
  // Drivers keep memory until the end, which sanitizers take for lost.
  if (testing::kSanitized) std::printf("passed over: vulkan, under sanitizers\n");
  if (testing::kSanitized) return nullptr;
  auto device = make_vulkan_device();
  if (device.ok()) return std::move(*device);
  EXPECT_EQ(device.error().code(), ErrorCode::unsupported);
  std::printf("passed over: %s\n", device.error().message().c_str());
  return nullptr;
}

TEST(VulkanNamesTest, ANumberOrAPartOfTheNameChooses) {
  std::vector<vulkan::PhysicalDevice> devices(2);
  devices[0].info = {.number = 0, .name = "Radeon RX 7800"};
  devices[1].info = {.number = 1, .name = "llvmpipe (LLVM 15)"};
  const auto chosen = [&](std::string_view which) {
    const auto device = vulkan::choose(devices, which);
    return device.ok() ? device->info.number : -1;
  };
  EXPECT_EQ(chosen(""), 0);
  EXPECT_EQ(chosen("1"), 1);
  EXPECT_EQ(chosen("radeon"), 0);
  EXPECT_EQ(chosen("LLVMpipe"), 1);
  EXPECT_EQ(chosen("lavapipe"), 1);
  EXPECT_EQ(chosen("78"), -1);  // a number, and no device has it
  const auto missing = vulkan::choose(devices, "GeForce");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::not_found);
  for (const char* word : {"GeForce", "Radeon RX 7800", "llvmpipe"})
    EXPECT_NE(missing.error().message().find(word), std::string::npos);
}

TEST(VulkanDeviceTest, ListedDevicesCanBeMade) {
  if (!vulkan_device()) return;
  const auto devices = list_vulkan_devices();
  ASSERT_TRUE(devices.ok());
  ASSERT_FALSE(devices->empty());
  const auto made = make_vulkan_device(std::to_string(devices->back().number));
  ASSERT_TRUE(made.ok()) << made.error().message();
  EXPECT_EQ((*made)->info().memory_bytes, devices->back().memory_bytes);
  EXPECT_EQ(make_vulkan_device("99").error().code(), ErrorCode::not_found);
}

TEST(VulkanDeviceTest, CallsTakeEffectInOrder) {
  const auto device = vulkan_device();
  if (!device) return;
  constexpr int64_t kBytes = int64_t{20} << 20;  // more than one piece of staging memory
  auto one = device->allocate(kBytes);
  auto other = device->allocate(kBytes);
  ASSERT_TRUE(one.ok() && other.ok());
  std::vector<std::byte> host(static_cast<size_t>(kBytes));
  for (size_t i = 0; i < host.size(); i++) host[i] = static_cast<std::byte>(i * 7 >> 3);
  std::vector<std::byte> back(host.size());
  ASSERT_TRUE(device->write({one->get(), 0}, host).ok());
  ASSERT_TRUE(device->copy({one->get(), 1}, {other->get(), 0}, kBytes - 1).ok());
  ASSERT_TRUE(device->fill({one->get(), 0}, std::byte{9}, kBytes).ok());
  ASSERT_TRUE(device->fill({other->get(), kBytes - 3}, std::byte{5}, 3).ok());
  const auto read = device->read({other->get(), 0}, back);
  ASSERT_TRUE(read.ok());
  ASSERT_TRUE(device->wait(*read).ok());
  EXPECT_TRUE(std::equal(back.begin(), back.end() - 3, host.begin() + 1));
  EXPECT_EQ(back.back(), std::byte{5});
  const auto again = device->read({one->get(), 0}, back);
  ASSERT_TRUE(again.ok());
  ASSERT_TRUE(device->wait(*again).ok());
  EXPECT_EQ(back[12345], std::byte{9});
  EXPECT_FALSE(device->wait({again->number + 1}).ok());
}

TEST(VulkanDeviceTest, RangesAndTypesAreChecked) {
  const auto device = vulkan_device();
  if (!device) return;
  auto buffer = device->allocate(100);
  ASSERT_TRUE(buffer.ok());
  std::vector<std::byte> host(60);
  EXPECT_TRUE(device->write({buffer->get(), 40}, host).ok());
  EXPECT_FALSE(device->write({buffer->get(), 41}, host).ok());
  EXPECT_FALSE(device->write({buffer->get(), -1}, host).ok());
  EXPECT_FALSE(device->read({nullptr, 0}, host).ok());
  EXPECT_FALSE(device->copy({buffer->get(), 0}, {buffer->get(), 20}, 21).ok());
  const auto other = vulkan_device();
  EXPECT_FALSE(other->write({buffer->get(), 0}, host).ok());
  EXPECT_EQ(device->allocate(-1).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(device->allocate(INT64_MAX).error().code(), ErrorCode::exhausted);
  const auto state = device->allocate_state(KvState{1, 32, 32}, {.kv_dtype = DType::q8_0}, 1);
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().code(), ErrorCode::unsupported);
  EXPECT_NE(state.error().message().find("q8_0"), std::string::npos);
  auto program = other->compile(Graph(), {}, {});
  ASSERT_TRUE(program.ok());
  EXPECT_EQ(device->run(**program, {}).error().code(), ErrorCode::invalid_argument);
}

struct BadStep {
  const char* word;  // that the message must contain
  std::function<void(StepInputs&)> spoil;
};

/// An embedding, keys and values with attention over them, a convolution, and hidden rows.
void build(OpRig& rig) {
  constexpr int64_t kWidth = 32;
  Graph& g = rig.graph;
  const Tensor x = rig.input(random_floats(40 * kWidth, 1), Axis::heads, 2, kWidth / 2);
  const State kv = rig.state(KvState{2, kWidth / 2, kWidth / 2}, 4);
  g.kv_write(x, x, kv);
  const Tensor o =
      g.attention({.q = x, .state = kv, .kv_heads = 2, .value_dim = kWidth / 2, .scale = 0.25F});
  const Weight taps = rig.floats({-1, Axis::heads, 2, kWidth / 2, 3}, WeightUse::vector,
                                 random_floats(kWidth * 3, 2));
  const Tensor y = g.causal_conv(g.add(x, o), taps, rig.state(ConvState{kWidth, 3}, 3));
  g.output(Output::logits, g.gather_rows(y));
}

TEST(VulkanDeviceTest, ABadStepEndsInAnErrorAndTheNextOneIsSound) {
  const auto device = vulkan_device();
  if (!device) return;
  OpRig rig(*device, {.log_tokens = 4});
  build(rig);
  ASSERT_TRUE(rig.compile({.tokens = 16, .outputs = 16, .sequences = 2}).ok());
  const StepInputs sound{.token_ids = {1, 2, 3, 4, 5},
                         .spans = {{.rows = 5, .certain = 5, .fresh = 1}},
                         .page_table = {2},
                         .output_rows = {4}};
  const auto want = rig.run(sound);
  ASSERT_TRUE(want.ok()) << want.error().message();
  const BadStep steps[] = {{"token_ids", [](StepInputs& in) { in.token_ids[2] = 40; }},
                           {"token_ids", [](StepInputs& in) { in.token_ids[0] = -1; }},
                           {"output_rows", [](StepInputs& in) { in.output_rows[0] = 5; }},
                           {"page_table", [](StepInputs& in) { in.page_table[0] = 4; }},
                           {"page_table", [](StepInputs& in) { in.page_table.clear(); }},
                           {"spans", [](StepInputs& in) { in.spans[0].rows = 6; }},
                           {"spans", [](StepInputs& in) { in.spans[0].state_slot = 3; }},
                           {"spans", [](StepInputs& in) { in.spans[0].certain = 0; }},
                           {"spans", [](StepInputs& in) { in.spans[0].replay = 1; }},
                           {"sequences", [](StepInputs& in) { in.spans.resize(3); }},
                           {"outputs", [](StepInputs& in) { in.output_rows.resize(17); }}};
  for (const BadStep& step : steps) {
    StepInputs in = sound;
    step.spoil(in);
    const auto got = rig.run(in);
    ASSERT_FALSE(got.ok()) << step.word;
    EXPECT_EQ(got.error().code(), ErrorCode::invalid_argument);
    EXPECT_NE(got.error().message().find(step.word), std::string::npos) << got.error().message();
    const auto again = rig.run(sound);
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(*again, *want);
  }
}

}  // namespace
}  // namespace troika
