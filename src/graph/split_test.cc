#include "graph/split.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

TEST(SplitTest, WholeIsOneLeaf) {
  EXPECT_EQ(split_whole(96).leaves, (std::vector<std::vector<ColumnRange>>{{{0, 96}}}));
}

TEST(SplitTest, ContiguousDealsWholeUnitsToAtMostEightLeaves) {
  const Split split = split_contiguous(4096, 32, 32);
  ASSERT_EQ(split.leaves.size(), 8u);
  for (int64_t i = 0; i < 8; i++)
    EXPECT_EQ(split.leaves[static_cast<size_t>(i)].front(), (ColumnRange{512 * i, 512 * (i + 1)}));
}

TEST(SplitTest, TooFewUnitsGiveFewerLeaves) {
  EXPECT_EQ(split_contiguous(256, 2, 32).leaves.size(), 2u);
  EXPECT_EQ(split_contiguous(256, 4, 256).leaves.size(),
            1u);  // four heads of 64 in one block of 256
}

TEST(SplitTest, TheLastUnitMayBeShort) {
  const Split split = split_contiguous(172, 172, 16);  // 11 units of 16, the last of 12
  EXPECT_EQ(split.leaves.size(), 8u);
  EXPECT_EQ(split.leaves.back().back().end, 172);
}

TEST(SplitTest, TiledHeadsKeepAKeyHeadTogether) {
  const Split split = split_tiled_heads(2, 4, 32, 32);
  EXPECT_EQ(split.leaves,
            (std::vector<std::vector<ColumnRange>>{{{0, 32}, {64, 96}}, {{32, 64}, {96, 128}}}));
}

TEST(SplitTest, TiledHeadsJoinNeighboursToWholeBlocks) {
  const Split split = split_tiled_heads(16, 48, 128, 256);
  ASSERT_EQ(split.leaves.size(), 8u);
  EXPECT_EQ(split.leaves[1], (std::vector<ColumnRange>{{256, 512}, {2304, 2560}, {4352, 4608}}));
}

TEST(SplitTest, HeadsThatCannotBeWholeBlocksAreNotSplit) {
  EXPECT_EQ(split_tiled_heads(2, 4, 64, 256).leaves.size(), 1u);
}

}  // namespace
}  // namespace troika
