#include "device/group/timed_transport.h"

#include <gtest/gtest.h>

#include "device/group/crew.h"
#include "device/group/shared_transport.h"

namespace troika::group {
namespace {

TEST(TimedTransportTest, EveryExchangeHasItsTimeAndItsFloats) {
  constexpr int64_t kMembers = 3, kExchanges = 20, kSteps = 2;
  SharedTransport shared(kMembers);
  TimedTransport timed(shared, kMembers);
  auto crew = Crew::create(kMembers);
  ASSERT_TRUE(crew.ok());
  EXPECT_TRUE(timed.exchange_seconds().empty());
  std::vector<int64_t> wrong(kMembers);
  float numbers[kMembers][2] = {};  // others read the last ones until the run is over
  for (int64_t step = 0; step < kSteps; step++) {
    shared.begin_step();
    (*crew)->run([&](int64_t member) {
      float* const mine = numbers[member];
      for (int64_t number = 0; number < kExchanges; number++) {
        mine[number % 2] = static_cast<float>(100 * number + member);
        timed.exchange(member, number, {mine + number % 2, 1});
        for (int64_t other = 0; other < kMembers; other++)
          if (*timed.shown(other, number) != static_cast<float>(100 * number + other))
            wrong[static_cast<size_t>(member)]++;
      }
    });
  }
  EXPECT_EQ(wrong, std::vector<int64_t>(kMembers, 0));
  const std::vector<double> seconds = timed.exchange_seconds();
  ASSERT_EQ(std::ssize(seconds), kExchanges);
  for (const double spent : seconds) EXPECT_GT(spent, 0);
}

}  // namespace
}  // namespace troika::group
