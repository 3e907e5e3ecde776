#include "device/group/shared_transport.h"

#include <gtest/gtest.h>

#include "device/group/crew.h"

namespace troika::group {
namespace {

constexpr int64_t kMembers = 3;

TEST(SharedTransportTest, EveryoneSeesWhatEveryoneShowed) {
  constexpr int64_t kExchanges = 100;
  SharedTransport transport(kMembers);
  auto crew = Crew::create(kMembers);
  ASSERT_TRUE(crew.ok());
  transport.begin_step();
  std::vector<int64_t> wrong(kMembers);
  float numbers[kMembers][2] = {};  // others read the last ones until the run is over
  (*crew)->run([&](int64_t member) {
    float* const mine = numbers[member];
    for (int64_t number = 0; number < kExchanges; number++) {
      mine[number % 2] = static_cast<float>(100 * number + member);
      transport.exchange(member, number, {mine + number % 2, 1});
      for (int64_t other = 0; other < kMembers; other++)
        if (*transport.shown(other, number) != static_cast<float>(100 * number + other))
          wrong[static_cast<size_t>(member)]++;
    }
  });
  EXPECT_EQ(wrong, std::vector<int64_t>(kMembers, 0));
}

TEST(SharedTransportTest, WhoWaitsIsFreedWhenOneGivesUp) {
  SharedTransport transport(kMembers);
  auto crew = Crew::create(kMembers);
  ASSERT_TRUE(crew.ok());
  for (int round = 0; round < 20; round++) {
    transport.begin_step();
    std::vector<int> met(kMembers);
    (*crew)->run([&](int64_t member) {
      const float mine = 1;
      if (member == round % kMembers) return transport.give_up();
      met[static_cast<size_t>(member)] = transport.exchange(member, 0, {&mine, 1}) ? 1 : 0;
      met[static_cast<size_t>(member)] += transport.exchange(member, 1, {&mine, 1}) ? 1 : 0;
    });
    EXPECT_EQ(met, std::vector<int>(kMembers, 0));
    EXPECT_EQ(transport.shown(0, 0), nullptr);
  }
}

TEST(CrewTest, AllMembersWorkInEveryRun) {
  auto crew = Crew::create(4);
  ASSERT_TRUE(crew.ok());
  std::vector<int> runs(4);
  for (int run = 0; run < 50; run++)
    (*crew)->run([&](int64_t member) { runs[static_cast<size_t>(member)]++; });
  EXPECT_EQ(runs, std::vector<int>(4, 50));
  auto one = Crew::create(1);
  ASSERT_TRUE(one.ok());
  int alone = 0;
  (*one)->run([&](int64_t) { alone++; });
  EXPECT_EQ(alone, 1);
}

}  // namespace
}  // namespace troika::group
