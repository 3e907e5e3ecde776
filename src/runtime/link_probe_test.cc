#include "runtime/link_probe.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

TEST(LinkProbeTest, OneMemberMeetsNobody) {
  const Result<LinkSpeed> link = measure_link(1);
  ASSERT_TRUE(link.ok());
  EXPECT_EQ(link->latency_s, 0);
  EXPECT_EQ(link->bytes_per_s, 0);
}

TEST(LinkProbeTest, MembersThatMeetTakeTimeForItAndForWhatTheyShow) {
  const Result<LinkSpeed> link = measure_link(2);
  ASSERT_TRUE(link.ok());
  EXPECT_GT(link->latency_s, 0);
  EXPECT_LT(link->latency_s, 1);
  EXPECT_GT(link->bytes_per_s, 1e6);
}

}  // namespace
}  // namespace troika
