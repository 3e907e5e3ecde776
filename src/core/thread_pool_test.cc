#include "core/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>

namespace troika {
namespace {

std::unique_ptr<ThreadPool> pool_of(int threads) {
  Result<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(threads);
  EXPECT_TRUE(pool.ok());
  return std::move(pool).value();
}

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, RunsOnceOnEveryThread) {
  const auto pool = pool_of(GetParam());
  ASSERT_EQ(pool->threads(), GetParam());
  std::vector<int> calls(static_cast<size_t>(GetParam()));
  for (int round = 0; round < 200; round++)
    pool->run([&](int thread) { calls[static_cast<size_t>(thread)]++; });
  for (const int count : calls) EXPECT_EQ(count, 200);
}

TEST_P(ThreadPoolTest, RangesCoverEveryIndexOnce) {
  const auto pool = pool_of(GetParam());
  for (const int64_t count : {0, 1, 2, 7, 64, 1001}) {
    std::vector<int> seen(static_cast<size_t>(count));
    pool->for_ranges(count, 3, [&](int64_t begin, int64_t end) {
      ASSERT_LE(end - begin, 3);
      for (int64_t i = begin; i < end; i++) seen[static_cast<size_t>(i)]++;
    });
    for (const int times : seen) EXPECT_EQ(times, 1);
  }
}

// Every phase reads what all threads wrote in the phase before: fails if a barrier lets one
// through.
TEST_P(ThreadPoolTest, BarriersSeparatePhases) {
  const int threads = GetParam();
  const auto pool = pool_of(threads);
  std::vector<int64_t> numbers(static_cast<size_t>(threads), 1);
  std::vector<int64_t> sums(static_cast<size_t>(threads));
  constexpr int kPhases = 300;
  pool->run([&](int thread) {
    for (int phase = 0; phase < kPhases; phase++) {
      sums[static_cast<size_t>(thread)] =
          std::accumulate(numbers.begin(), numbers.end(), int64_t{0});
      pool->barrier();
      numbers[static_cast<size_t>(thread)] = sums[static_cast<size_t>(thread)] % 1000 + 1;
      pool->barrier();
    }
  });
  for (const int64_t sum : sums) EXPECT_EQ(sum, sums.front());
}

TEST_P(ThreadPoolTest, SleepersWakeUp) {
  const auto pool = pool_of(GetParam());
  std::atomic<int> calls = 0;
  for (int round = 0; round < 3; round++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    pool->run([&](int) { calls++; });
  }
  EXPECT_EQ(calls, 3 * GetParam());
}

#if defined(__x86_64__)
// A caller that flushes subnormals computes like the others inside run() and gets its modes back.
TEST_P(ThreadPoolTest, AllThreadsKeepSubnormals) {
  const auto pool = pool_of(GetParam());
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x8040);
  std::atomic<int> kept = 0;
  pool->run([&](int) {
    const volatile float tiny = 1e-38F;
    if (tiny * 0.25F > 0) kept++;
  });
  EXPECT_EQ(__builtin_ia32_stmxcsr() & 0x8040u, 0x8040u);
  __builtin_ia32_ldmxcsr(before);
  EXPECT_EQ(kept, GetParam());
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

}  // namespace
}  // namespace troika
