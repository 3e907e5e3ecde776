#include "core/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>

namespace troika {
namespace {

std::unique_ptr<ThreadPool> pool_of(int threads) {
  Result<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(threads);
  EXPECT_TRUE(pool.ok());
  return std::move(pool).value();
}

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, RunsOnTheCallerAndAtMostOnceOnTheOthers) {
  const auto pool = pool_of(GetParam());
  ASSERT_EQ(pool->threads(), GetParam());
  for (int round = 0; round < 500; round++) {
    std::vector<int> calls(
        static_cast<size_t>(GetParam()));  // dies before a late thread could come
    pool->run([&](int thread) { calls[static_cast<size_t>(thread)]++; });
    EXPECT_EQ(calls[0], 1);
    for (const int count : calls) EXPECT_LE(count, 1);
  }
}

// The caller leaves the work to the others: fails if they never come.
TEST_P(ThreadPoolTest, AllThreadsComeIfThereIsTime) {
  const auto pool = pool_of(GetParam());
  for (int round = 0; round < 20; round++) {
    Tally came;
    pool->run([&](int) {
      came.add(1, GetParam());
      came.wait(GetParam());
    });
  }
}

TEST_P(ThreadPoolTest, RangesCoverEveryIndexOnce) {
  const auto pool = pool_of(GetParam());
  for (const int64_t count : {0, 1, 2, 7, 64, 1001}) {
    std::vector<int> seen(static_cast<size_t>(count));
    pool->for_ranges(count, 3, [&](int64_t begin, int64_t end) {
      ASSERT_LT(begin, end);
      for (int64_t i = begin; i < end; i++) seen[static_cast<size_t>(i)]++;
    });
    for (const int times : seen) EXPECT_EQ(times, 1);
  }
}

// Every item reads what the phase before wrote: fails if a tally lets a thread through too early.
TEST_P(ThreadPoolTest, TalliesSeparatePhases) {
  constexpr size_t kPhases = 200;
  constexpr int64_t kItems = 7;
  const auto pool = pool_of(GetParam());
  for (int round = 0; round < 10; round++) {
    std::vector<WorkRanges> ranges;
    for (size_t phase = 0; phase < kPhases; phase++)
      ranges.emplace_back(GetParam()).deal(kItems, GetParam());
    std::vector<Tally> tallies(kPhases);
    std::vector<std::vector<int64_t>> values(kPhases, std::vector<int64_t>(kItems, 1));
    pool->run([&](int thread) {
      for (size_t phase = 1; phase < kPhases; phase++) {
        int64_t begin = 0;
        int64_t end = 0;
        while (ranges[phase].take(thread, 2, begin, end)) {
          for (int64_t i = begin; i < end; i++)
            for (const int64_t value : values[phase - 1])
              values[phase][static_cast<size_t>(i)] += value % 1000;
          tallies[phase].add(end - begin, kItems);
        }
        tallies[phase].wait(kItems);
      }
    });
    for (size_t phase = 1; phase < kPhases; phase++)
      EXPECT_EQ(values[phase][0], 1 + kItems * (values[phase - 1][0] % 1000));
    for (const int64_t value : values.back()) EXPECT_EQ(value, values.back().front());
  }
}

// A thread that never comes leaves its share to the others, who take it from the back.
TEST(WorkRangesTest, OneThreadTakesAllThatWasDealtToSeveral) {
  WorkRanges ranges(3);
  ranges.deal(100, 3);
  std::vector<int> seen(100);
  int64_t begin = 0;
  int64_t end = 0;
  while (ranges.take(1, 4, begin, end))
    for (int64_t i = begin; i < end; i++) seen[static_cast<size_t>(i)]++;
  for (const int times : seen) EXPECT_EQ(times, 1);
  EXPECT_FALSE(ranges.take(0, 1, begin, end));
}

TEST(WorkRangesTest, TakesHalfOfWhatIsLeftAndAtLeastTheMinimum) {
  WorkRanges ranges(2);
  ranges.deal(64, 2);
  int64_t begin = 0;
  int64_t end = 0;
  for (const auto& [first, last] : {std::pair(0, 16), {16, 24}, {24, 28}, {28, 32}, {48, 64}}) {
    ASSERT_TRUE(ranges.take(0, 4, begin, end));
    EXPECT_EQ(begin, first);
    EXPECT_EQ(end, last);
  }
}

TEST_P(ThreadPoolTest, SleepersWakeUp) {
  const auto pool = pool_of(GetParam());
  for (int round = 0; round < 3; round++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    Tally came;
    pool->run([&](int) {
      came.add(1, GetParam());
      came.wait(GetParam());
    });
  }
}

#if defined(__x86_64__)
// A caller that flushes subnormals computes like the others inside run() and gets its modes back.
TEST_P(ThreadPoolTest, AllThreadsKeepSubnormals) {
  const auto pool = pool_of(GetParam());
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x8040);
  std::atomic<int> kept = 0;
  Tally came;
  pool->run([&](int) {
    const volatile float tiny = 1e-38F;
    if (tiny * 0.25F > 0) kept++;
    came.add(1, GetParam());
    came.wait(GetParam());
  });
  pool->run_alone([&] {
    const volatile float tiny = 1e-38F;
    if (tiny * 0.25F > 0) kept++;
  });
  EXPECT_EQ(__builtin_ia32_stmxcsr() & 0x8040u, 0x8040u);
  __builtin_ia32_ldmxcsr(before);
  EXPECT_EQ(kept, GetParam() + 1);
}
#endif

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 5));

TEST(ThreadPoolRefusalTest, NamesTheCount) {
  for (const int threads : {0, -1, ThreadPool::kThreadsMax + 1}) {
    const auto pool = ThreadPool::create(threads);
    ASSERT_FALSE(pool.ok());
    EXPECT_EQ(pool.error().code(), ErrorCode::invalid_argument);
    EXPECT_NE(pool.error().message().find(std::to_string(threads)), std::string::npos);
  }
}

TEST(ThreadPoolRefusalTest, AProcessHasAtLeastOneProcessor) {
  EXPECT_GE(available_processors(), 1);
}

cpu_set_t mask_of_this_thread() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  EXPECT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
  return mask;
}

std::vector<int> allowed_processors() {
  const cpu_set_t mask = mask_of_this_thread();
  std::vector<int> allowed;
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &mask)) allowed.push_back(i);
  return allowed;
}

TEST(ThreadPinTest, ThreadsKeepToTheirProcessorsAndTheCallerGetsItsOwnBack) {
  const std::vector<int> allowed = allowed_processors();
  const int first = allowed.front(), last = allowed.back();
  const cpu_set_t before = mask_of_this_thread();
  const auto pool = ThreadPool::create(3, {{last}, {first}, {last}}).value();
  for (int round = 0; round < 20; round++) {
    Tally came;
    pool->run([&](int thread) {
      const cpu_set_t mask = mask_of_this_thread();
      EXPECT_EQ(CPU_COUNT(&mask), 1);
      EXPECT_TRUE(CPU_ISSET(static_cast<size_t>(thread == 1 ? first : last), &mask));
      came.add(1, 3);
      came.wait(3);
    });
    const cpu_set_t after = mask_of_this_thread();
    EXPECT_TRUE(CPU_EQUAL(&before, &after));
  }
}

TEST(ThreadPinTest, APinThatTheSystemRefusesIsAnError) {
  constexpr int kNone = 1023;
  const std::vector<int> allowed = allowed_processors();
  if (allowed.back() == kNone) GTEST_SKIP() << "this machine has a processor " << kNone;
  const int here = allowed.front();
  for (const auto& pins : {std::vector<std::vector<int>>{{here}, {kNone}},
                           std::vector<std::vector<int>>{{kNone}, {here}}}) {
    const auto pool = ThreadPool::create(2, pins);
    ASSERT_FALSE(pool.ok());
    EXPECT_EQ(pool.error().code(), ErrorCode::unsupported);
    EXPECT_NE(pool.error().message().find("1023"), std::string::npos);
  }
}

}  // namespace
}  // namespace troika
