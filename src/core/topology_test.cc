#include "core/topology.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <set>

namespace troika {
namespace {

using Numbers = std::vector<int>;

TEST(ParseProcessorsTest, ReadsNumbersAndRanges) {
  EXPECT_EQ(parse_processors("0").value(), (Numbers{0}));
  EXPECT_EQ(parse_processors("0-3,8").value(), (Numbers{0, 1, 2, 3, 8}));
  EXPECT_EQ(parse_processors("7,2-2,1023").value(), (Numbers{7, 2, 1023}));
}

TEST(ParseProcessorsTest, RefusesWhatIsNoListNamingThePart) {
  const auto refused = [](std::string_view list, std::string_view part) {
    const Result<Numbers> processors = parse_processors(list);
    ASSERT_FALSE(processors.ok()) << list;
    EXPECT_EQ(processors.error().code(), ErrorCode::invalid_argument);
    EXPECT_NE(processors.error().message().find(part), std::string::npos)
        << processors.error().message();
  };
  refused("", "\"\"");
  refused("0,", "\"\"");
  refused(",0", "\"\"");
  refused("0-3,x", "\"x\"");
  refused("-1", "\"-1\"");
  refused("3-", "\"3-\"");
  refused("3-1", "\"3-1\"");
  refused("0x3", "\"0x3\"");
  refused("0 1", "\"0 1\"");
  refused("1-2-3", "\"1-2-3\"");
  refused("99999999999", "99999999999");
  refused("0-1024", "1024");
  refused("1,0-3", "processor 1 is listed twice");
}

/// Two fast cores of two processors, two slow ones of one.
const std::vector<Core> kMixed = {{{0, 4}, 1, 0}, {{1, 5}, 1, 0}, {{2}, 0, 1}, {{3}, 0, 1}};

TEST(PlaceThreadsTest, OneThreadForEachCoreOfTheFastestKind) {
  const Placement placement = place_threads(kMixed, {}).value();
  EXPECT_EQ(placement.threads, 2);
  EXPECT_EQ(placement.pins, (std::vector<Numbers>{{0, 4}, {1, 5}}));
}

TEST(PlaceThreadsTest, OtherNumbersOfThreadsAreLeftToTheSystem) {
  for (const int threads : {1, 3, 4, 9}) {
    const Placement placement =
        place_threads(kMixed, {.threads = threads, .processors = {}}).value();
    EXPECT_EQ(placement.threads, threads);
    EXPECT_TRUE(placement.pins.empty());
  }
  EXPECT_TRUE(place_threads(kMixed, {.processors = {}, .pin = false}).value().pins.empty());
  EXPECT_TRUE(place_threads(std::vector<Core>{{{0, 1}}}, {}).value().pins.empty());
}

TEST(PlaceThreadsTest, AListIsObeyedInItsOrder) {
  const Placement all = place_threads(kMixed, {.processors = {5, 2, 0}}).value();
  EXPECT_EQ(all.threads, 3);
  EXPECT_EQ(all.pins, (std::vector<Numbers>{{5}, {2}, {0}}));
  const Placement two = place_threads(kMixed, {.threads = 2, .processors = {5, 2, 0}}).value();
  EXPECT_EQ(two.pins, (std::vector<Numbers>{{5}, {2}}));
  const Placement loose =
      place_threads(kMixed, {.threads = 2, .processors = {5, 2}, .pin = false}).value();
  EXPECT_EQ(loose.pins, (std::vector<Numbers>{{5, 2}, {5, 2}}));
}

TEST(PlaceThreadsTest, RefusesProcessorsThatAreNotThere) {
  const Result<Placement> placement = place_threads(kMixed, {.processors = {1, 6}});
  ASSERT_FALSE(placement.ok());
  EXPECT_EQ(placement.error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(placement.error().message(),
            "processor 6 is not one that this process may run on, wanted one of 0, 1, 2, 3, 4, 5");
}

TEST(PlaceThreadsTest, RefusesMoreThreadsThanAreListed) {
  const Result<Placement> placement = place_threads(kMixed, {.threads = 3, .processors = {0, 1}});
  ASSERT_FALSE(placement.ok());
  EXPECT_EQ(placement.error().message(), "3 threads on 2 processors, wanted at most 2");
}

TEST(CountMemoryNodesTest, CountsEachOnce) {
  EXPECT_EQ(count_memory_nodes(kMixed), 2);
  EXPECT_EQ(count_memory_nodes(std::vector<Core>{{{0}}}), 1);
}

TEST(AvailableCoresTest, AreThoseOfThisThreadsMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  const auto processors = [] {
    std::multiset<int> all;
    for (const Core& core : available_cores()) {
      EXPECT_FALSE(core.processors.empty());
      EXPECT_TRUE(std::ranges::is_sorted(core.processors));
      all.insert(core.processors.begin(), core.processors.end());
    }
    return all;
  };
  std::multiset<int> allowed;
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &before)) allowed.insert(i);
  EXPECT_EQ(processors(), allowed);
  cpu_set_t last;
  CPU_ZERO(&last);
  CPU_SET(*allowed.rbegin(), &last);
  ASSERT_EQ(sched_setaffinity(0, sizeof last, &last), 0);
  EXPECT_EQ(processors(), (std::multiset<int>{*allowed.rbegin()}));
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

}  // namespace
}  // namespace troika
