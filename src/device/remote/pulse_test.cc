#include "device/remote/pulse.h"

#include <gtest/gtest.h>

#include <atomic>

namespace troika {
namespace {

using namespace std::chrono_literals;

std::vector<std::unique_ptr<Channel>> only(std::unique_ptr<Channel> channel) {
  std::vector<std::unique_ptr<Channel>> one;
  one.push_back(std::move(channel));
  return one;
}

TEST(PulseTest, WhoBeatsIsHeard) {
  auto [leads, follows] = make_channel_pair();
  std::atomic<int> silences = 0;
  Pulse leader(only(std::move(leads)), 20ms);
  Pulse follower(only(std::move(follows)), 60s);
  leader.beat();
  follower.listen([&] { silences++; });
  std::this_thread::sleep_for(60ms);
  EXPECT_EQ(silences, 0);
  follower.stop();
  leader.stop();
}

TEST(PulseTest, WhoStopsIsMissedOnce) {
  auto [leads, follows] = make_channel_pair();
  std::atomic<int> silences = 0;
  Pulse leader(only(std::move(leads)), 20ms);
  Pulse follower(only(std::move(follows)), 20ms);
  leader.beat();
  std::this_thread::sleep_for(20ms);
  leader.stop();
  follower.listen([&] { silences++; });
  while (silences == 0) std::this_thread::sleep_for(1ms);
  std::this_thread::sleep_for(40ms);
  EXPECT_EQ(silences, 1);
}

TEST(PulseTest, WhoHasNotBegunIsWaitedFor) {
  auto [leads, follows] = make_channel_pair();
  std::atomic<int> silences = 0;
  Pulse follower(only(std::move(follows)), 5ms);
  follower.listen([&] { silences++; });
  std::this_thread::sleep_for(40ms);
  EXPECT_EQ(silences, 0);
}

TEST(SilenceTest, OnlyTimeAwakeCounts) {
  Silence silence(1500ms);
  EXPECT_FALSE(silence.is_over());
  std::this_thread::sleep_for(1200ms);  // counts as 1 s
  EXPECT_FALSE(silence.is_over());
  std::this_thread::sleep_for(600ms);
  EXPECT_TRUE(silence.is_over());
  silence.end();
  EXPECT_FALSE(silence.is_over());
}

}  // namespace
}  // namespace troika
