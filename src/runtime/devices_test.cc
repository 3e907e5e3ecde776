#include "runtime/devices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "core/topology.h"
#include "runtime/split.h"

namespace troika {
namespace {

std::string refusal(const DeviceOptions& options) {
  const auto device = make_device(options);
  return device.ok() ? "" : std::string(device.error().message());
}

TEST(DevicesTest, AListNamesProcessorsByMember) {
  const auto names = parse_devices("cpu:0-2+5,cpu,reference");
  ASSERT_TRUE(names.ok()) << names.error().message();
  ASSERT_EQ(names->size(), 3U);
  EXPECT_EQ((*names)[0].processors, (std::vector<int>{0, 1, 2, 5}));
  EXPECT_TRUE((*names)[1].processors.empty());
  EXPECT_EQ((*names)[2].kind, "reference");
}

TEST(DevicesTest, AMemoryNodeNamesItsCores) {
  const std::vector<Core> cores = available_cores();
  const int node = cores.front().memory_node;
  const auto names = parse_devices(fmt::format("cpu:node{}", node));
  ASSERT_TRUE(names.ok()) << names.error().message();
  EXPECT_EQ(std::ssize((*names)[0].processors),
            std::ranges::count(cores, node, &Core::memory_node));
  const auto none = parse_devices("cpu,cpu:node77");
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().message().find("cpu:node77: no such memory node"), std::string::npos);
  EXPECT_FALSE(parse_devices("cpu:node").ok());
}

TEST(DevicesTest, WhatIsNoListIsRefused) {
  for (const char* text : {"", "cpu,", ",cpu", "gpu", "cpu:", "cpu:x", "cpu:1-0", "reference:1"})
    EXPECT_FALSE(parse_devices(text).ok()) << text;
}

TEST(DevicesTest, AListMayNameAGpu) {
  for (const char* text : {"vulkan", "vulkan:1", "cpu,vulkan:0"})
    EXPECT_TRUE(wants_gpu({.kind = text})) << text;
  for (const char* text : {"cpu", "cpu:0,cpu:1", "mpi", "reference", "nonsense"})
    EXPECT_FALSE(wants_gpu({.kind = text})) << text;
}

TEST(DevicesTest, SharesAreIntegers) {
  EXPECT_EQ(*parse_shares("3,1"), (Shares{3, 1}));
  EXPECT_EQ(*parse_shares("0,1"), (Shares{0, 1}));
  for (const char* text : {"", "1,", "a", "1.5", "-1,2", "0,0", "99999999999999999999"})
    EXPECT_FALSE(parse_shares(text).ok()) << text;
}

TEST(DevicesTest, AGroupSaysWhatItConsistsOf) {
  const auto device = make_device({.kind = "cpu,cpu", .shares = {3, 1}, .isa_max = Isa::portable});
  ASSERT_TRUE(device.ok()) << device.error().message();
  EXPECT_EQ((*device)->info().name, "group (cpu portable + cpu portable by 3:1, 2 members)");
}

TEST(DevicesTest, SharesAreMeasuredWhereWanted) {
  std::optional<MeasuredSplit> heard;
  const auto device =
      make_device({.kind = "cpu,cpu",
                   .measured_shares = true,
                   .on_split = [&heard](const MeasuredSplit& split) { heard = split; }});
  ASSERT_TRUE(device.ok()) << device.error().message();
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->devices, (std::vector<std::string>{"cpu", "cpu"}));
  ASSERT_EQ(heard->bytes_per_s.size(), 2U);
  EXPECT_GT(std::ranges::min(heard->bytes_per_s), 0);
  EXPECT_EQ(heard->shares, split_by_speed(heard->bytes_per_s));
  const std::string by = fmt::format("by {}:{},", heard->shares[0], heard->shares[1]);
  EXPECT_NE((*device)->info().name.find(by), std::string::npos) << (*device)->info().name;
}

TEST(DevicesTest, GroupsThatCannotBeAreRefused) {
  EXPECT_EQ(refusal({.kind = "cpu", .measured_shares = true}),
            "shares of one device, wanted several devices");
  EXPECT_EQ(refusal({.kind = "cpu,cpu", .shares = {1, 1}, .measured_shares = true}),
            "shares that are given and to be measured");
  EXPECT_EQ(refusal({.kind = "cpu", .shares = {1}}), "1 shares for one device, wanted none");
  EXPECT_EQ(refusal({.kind = "cpu,cpu", .shares = {1, 1, 1}}), "3 shares for 2 devices");
  EXPECT_EQ(refusal({.kind = "cpu,reference"}), "device reference cannot be a member of a group");
  EXPECT_EQ(refusal({.kind = "cpu:0,cpu:0"}), "processor 0 is named for two devices");
  EXPECT_EQ(refusal({.kind = "cpu,cpu", .processors = {0}}),
            "processors for a list of devices, wanted them with each device: cpu:0-3");
  EXPECT_EQ(refusal({.kind = "cpu:0", .processors = {0}}), "processors are named twice");
}

}  // namespace
}  // namespace troika
