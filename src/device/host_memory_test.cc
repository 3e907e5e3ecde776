#include "device/host_memory.h"

#include <gtest/gtest.h>

#include <utility>

namespace troika {
namespace {

TEST(HostMemoryTest, IsAlignedZeroAndWritable) {
  HostAllocator allocator;
  Result<HostMemory> memory = allocator.allocate(100);
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % 4096, 0u);
  EXPECT_EQ(memory->bytes(), 100);
  for (std::byte& b : memory->span()) {
    EXPECT_EQ(b, std::byte{0});
    b = std::byte{1};
  }
}

TEST(HostMemoryTest, TheLimitCountsWhatIsLive) {
  HostAllocator allocator(1000);
  Result<HostMemory> first = allocator.allocate(600);
  ASSERT_TRUE(first.ok());
  const Result<HostMemory> second = allocator.allocate(600);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::exhausted);
  EXPECT_EQ(second.error().message(), "host memory: 600 bytes wanted, 400 of 1000 left");
  *first = HostMemory{};
  EXPECT_TRUE(allocator.allocate(600).ok());
}

TEST(HostMemoryTest, NothingAndLessThanNothing) {
  HostAllocator allocator;
  EXPECT_TRUE(allocator.allocate(0).ok());
  EXPECT_EQ(allocator.allocate(-1).error().code(), ErrorCode::invalid_argument);
}

TEST(HostMemoryTest, MovesLeaveNothingBehind) {
  HostAllocator allocator(1000);
  HostMemory a = allocator.allocate(1000).value();
  HostMemory b = std::move(a);
  EXPECT_EQ(a.data(), nullptr);  // NOLINT: the moved-from state is the point
  b = HostMemory{};
  EXPECT_TRUE(allocator.allocate(1000).ok());
}

TEST(HostMemoryTest, MemoryOutlivesItsAllocator) {
  HostMemory memory;
  {
    HostAllocator allocator;
    memory = allocator.allocate(10).value();
  }
  memory.span()[9] = std::byte{7};
  EXPECT_EQ(memory.span()[9], std::byte{7});
}

TEST(HostMemoryTest, UnlockingGivesTheContentsBack) {
  HostAllocator allocator;
  HostMemory before = allocator.allocate(10).value();
  before.span()[0] = std::byte{5};
  allocator.lock();
  HostMemory during = allocator.allocate(10).value();
  allocator.unlock();
  EXPECT_EQ(before.span()[0], std::byte{5});
  during.span()[0] = std::byte{6};
  EXPECT_EQ(during.span()[0], std::byte{6});
}

TEST(HostMemoryTest, AccountsCountApartAndShareTheLimit) {
  HostAllocator first(1000);
  HostAllocator second = first.with_own_account();
  HostAllocator copy = first;
  const HostMemory a = first.allocate(300).value();
  {
    const HostMemory b = second.allocate(200).value();
    const HostMemory c = copy.allocate(100).value();
    EXPECT_EQ(first.held_bytes(), 400);
    EXPECT_EQ(second.held_bytes(), 200);
    EXPECT_FALSE(second.allocate(401).ok());
  }
  EXPECT_EQ(first.held_bytes(), 300);
  EXPECT_EQ(second.held_bytes(), 0);
}

TEST(HostMemoryDeathTest, LockedMemoryCannotBeTouched) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  HostAllocator allocator;
  const HostMemory before = allocator.allocate(10).value();
  EXPECT_DEATH(
      {
        allocator.lock();
        before.span()[0] = std::byte{1};
      },
      "");
  EXPECT_DEATH(
      {
        allocator.lock();
        allocator.allocate(10).value().span()[0] = std::byte{1};
      },
      "");
}

}  // namespace
}  // namespace troika
