#include "runtime/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "device/reference/reference_device.h"
#include "runtime/product_probe.h"

namespace troika {
namespace {

Shares split(const std::vector<double>& speeds) {
  return split_by_speed(speeds);
}

TEST(SplitTest, LeavesAreDealtOutBySpeed) {
  EXPECT_EQ(split({7}), (Shares{1}));
  EXPECT_EQ(split({1, 1}), (Shares{1, 1}));
  EXPECT_EQ(split({3, 1}), (Shares{3, 1}));
  EXPECT_EQ(split({5, 3}), (Shares{5, 3}));
  EXPECT_EQ(split({1, 2, 1}), (Shares{1, 2, 1}));
}

TEST(SplitTest, TheLastToFinishIsAsEarlyAsCanBe) {
  // 6 and 2 leaves take 6 / 2.2 = 2.7 and 2; 5 and 3 would take 3; 7 and 1, 3.2.
  EXPECT_EQ(split({2.2, 1}), (Shares{3, 1}));
  // All eight of the fast one take 0.8, and one of the slow one 1.
  EXPECT_EQ(split({10, 1}), (Shares{1, 0}));
  EXPECT_EQ(split(std::vector<double>(8, 2.0)), Shares(8, 1));
}

TEST(SplitTest, MoreMembersThanLeavesLeaveSomeWithout) {
  const Shares shares = split(std::vector<double>(12, 1.0));
  EXPECT_EQ(std::ranges::count(shares, 1), kLeavesMax);
  EXPECT_EQ(std::ranges::count(shares, 0), 12 - kLeavesMax);
}

TEST(ProductProbeTest, RunsStepsAndCountsThem) {
  const auto device = make_reference_device();
  for (const bool chain : {false, true}) {
    const ProbeShape shape{.types = {DType::q8_0, DType::f16, DType::q8_0},
                           .rows = 64,
                           .inputs = 64,
                           .step_rows = 4,
                           .chain = chain};
    const auto probe = ProductProbe::make(*device, shape);
    ASSERT_TRUE(probe.ok()) << probe.error().message();
    EXPECT_EQ((*probe)->bytes(), 64 * (2 * 34 + 64 * 2 + 2 * 34));
    EXPECT_EQ((*probe)->operations(4), 2.0 * 4 * 3 * 64 * 64);
    for (const int64_t rows : {1, 4}) {
      const Status ran = (*probe)->run(rows);
      EXPECT_TRUE(ran.ok()) << ran.error().message();
    }
  }
}

TEST(ProductProbeTest, ShapesThatAreNoneAreRefused) {
  const auto device = make_reference_device();
  EXPECT_FALSE(ProductProbe::make(*device, {.types = {DType::q8_0}, .inputs = 40}).ok());
  EXPECT_FALSE(ProductProbe::make(*device, {.types = {}}).ok());
  const ProbeShape chain{.types = {DType::q8_0}, .rows = 32, .inputs = 64, .chain = true};
  EXPECT_FALSE(ProductProbe::make(*device, chain).ok());
}

}  // namespace
}  // namespace troika
