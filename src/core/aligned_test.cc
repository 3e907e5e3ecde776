#include "core/aligned.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <utility>

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

}  // namespace
}  // namespace troika
