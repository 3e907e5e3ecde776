#include "core/aligned.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace troika {
namespace {

TEST(AlignedBytes, AreZeroAndAlignedForAnyLane) {
  for (int64_t bytes : {1, 4096, 3 << 20}) {
    auto memory = AlignedBytes::allocate(bytes);
    ASSERT_TRUE(memory.ok());
    EXPECT_EQ(memory->size(), bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % 64, 0u);
    EXPECT_EQ(memory->data()[0], std::byte{0});
    EXPECT_EQ(memory->data()[bytes - 1], std::byte{0});
  }
}

TEST(AlignedBytes, MoveOwnership) {
  auto memory = AlignedBytes::allocate(100);
  ASSERT_TRUE(memory.ok());
  std::byte* data = memory->data();
  AlignedBytes other = std::move(*memory);
  EXPECT_EQ(other.data(), data);
  EXPECT_EQ(memory->data(), nullptr);
  AlignedBytes third;
  third = std::move(other);
  EXPECT_EQ(third.data(), data);
}

TEST(AlignedBytes, NothingIsNoError) {
  auto memory = AlignedBytes::allocate(0);
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(memory->data(), nullptr);
}

TEST(AlignedBytes, RefuseWhatNoMachineHas) {
  for (int64_t bytes : {int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    auto memory = AlignedBytes::allocate(bytes);
    ASSERT_FALSE(memory.ok());
    EXPECT_EQ(memory.error().code(), ErrorCode::exhausted);
  }
}

TEST(AlignedArena, RangesAreZeroApartAndOnPages) {
  AlignedArena arena;
  std::vector<AlignedBytes> ranges;
  for (int64_t bytes : {1, 5000, 1 << 20, 3 << 20, 100, 300 << 20, 4096}) {
    auto range = arena.allocate(bytes);
    ASSERT_TRUE(range.ok());
    EXPECT_EQ(range->size(), bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(range->data()) % 4096, 0u);
    for (int64_t at : {int64_t{0}, bytes - 1}) EXPECT_EQ(range->data()[at], std::byte{0});
    for (int64_t at : {int64_t{0}, bytes - 1}) range->data()[at] = std::byte{1};
    ranges.push_back(std::move(*range));
  }
}

TEST(AlignedArena, SmallRangesShareAMapping) {
  AlignedArena arena;
  auto a = arena.allocate(3000);
  auto b = arena.allocate(3000);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(b->data(), a->data() + 4096);
}

TEST(AlignedArena, RangesOutliveTheArena) {
  AlignedBytes range;
  {
    AlignedArena arena;
    range = std::move(*arena.allocate(5 << 20));
    ASSERT_TRUE(arena.allocate(1 << 20).ok());
  }
  for (int64_t i = 0; i < range.size(); i += 4096) range.data()[i] = std::byte{1};
}

TEST(AlignedArena, RangesAreCountedInPagesWhileTheyLive) {
  AlignedArena arena;
  EXPECT_EQ(arena.held_bytes(), 0);
  auto small = arena.allocate(3000);
  {
    auto large = arena.allocate((5 << 20) + 1);
    ASSERT_TRUE(small.ok() && large.ok());
    EXPECT_EQ(arena.held_bytes(), 4096 + (5 << 20) + 4096);
    const AlignedBytes moved = std::move(*large);
    EXPECT_EQ(arena.held_bytes(), 4096 + (5 << 20) + 4096);
  }
  EXPECT_EQ(arena.held_bytes(), 4096);
}

TEST(AlignedArena, RefusesWhatNoMachineHas) {
  AlignedArena arena;
  for (int64_t bytes : {int64_t{-1}, std::numeric_limits<int64_t>::max(), int64_t{1} << 61}) {
    auto memory = arena.allocate(bytes);
    ASSERT_FALSE(memory.ok());
    EXPECT_EQ(memory.error().code(), ErrorCode::exhausted);
  }
  EXPECT_TRUE(arena.allocate(0).ok());
}

}  // namespace
}  // namespace troika
