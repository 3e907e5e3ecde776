#include "graph/shares.h"

#include <gtest/gtest.h>

#include <cstring>

#include "graph/shard_wishes.h"

namespace troika {
namespace {

using Ranges = std::vector<ColumnRange>;

std::vector<std::pair<int64_t, int64_t>> dealt(int64_t leaves, const Shares& shares) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  for (int64_t member = 0; member < std::ssize(shares); member++) {
    const LeafRange range = leaves_of(leaves, shares, member);
    ranges.emplace_back(range.begin, range.end);
  }
  return ranges;
}

TEST(SharesTest, LeavesAreDealtOutWhole) {
  using Dealt = std::vector<std::pair<int64_t, int64_t>>;
  EXPECT_EQ(dealt(8, {1, 1}), (Dealt{{0, 4}, {4, 8}}));
  EXPECT_EQ(dealt(8, {3, 1}), (Dealt{{0, 6}, {6, 8}}));
  EXPECT_EQ(dealt(8, {5, 3}), (Dealt{{0, 5}, {5, 8}}));
  EXPECT_EQ(dealt(8, {1, 1, 1}), (Dealt{{0, 3}, {3, 5}, {5, 8}}));
  EXPECT_EQ(dealt(8, {1, 0, 1}), (Dealt{{0, 4}, {4, 4}, {4, 8}}));
  EXPECT_EQ(dealt(2, {1, 1, 1, 1}), (Dealt{{0, 1}, {1, 1}, {1, 2}, {2, 2}}));
  EXPECT_EQ(dealt(1, {1, 1}), (Dealt{{0, 1}, {1, 1}}));
}

TEST(SharesTest, SharesOutOfRangeAreRefused) {
  EXPECT_TRUE(check_shares({1, 0, 3}).ok());
  EXPECT_FALSE(check_shares({}).ok());
  EXPECT_FALSE(check_shares({0, 0}).ok());
  EXPECT_FALSE(check_shares({1, -1}).ok());
  EXPECT_FALSE(check_shares({kSharesMax, 1}).ok());
}

TEST(SharesTest, AMemberAddsUpWholeSubtrees) {
  using Sizes = std::vector<int64_t>;
  EXPECT_EQ(subtrees_of(8, {0, 8}), (Sizes{8}));
  EXPECT_EQ(subtrees_of(8, {4, 8}), (Sizes{4}));
  EXPECT_EQ(subtrees_of(8, {0, 6}), (Sizes{4, 2}));
  EXPECT_EQ(subtrees_of(8, {3, 5}), (Sizes{1, 1}));
  EXPECT_EQ(subtrees_of(8, {3, 8}), (Sizes{1, 4}));
  EXPECT_EQ(subtrees_of(7, {0, 4}), (Sizes{4}));  // ((0+1)+(2+3)) + ((4+5)+6)
  EXPECT_EQ(subtrees_of(7, {4, 6}), (Sizes{2}));
  EXPECT_EQ(subtrees_of(8, {2, 2}), (Sizes{}));
}

TEST(SharesTest, KvHeadsRepeatWhereTheirQueriesAreCut) {
  // Two KV heads of four queries each; leaves of one query.
  UnitLeaves heads;
  for (int64_t head = 0; head < 8; head++) heads.push_back({{head, head + 1}});
  const UnitLeaves kv = kv_units(heads, 4);
  EXPECT_EQ(units_of(kv, {0, 8}), (Ranges{{0, 2}}));
  EXPECT_EQ(units_of(kv, {0, 4}), (Ranges{{0, 1}}));
  EXPECT_EQ(units_of(kv, {5, 6}), (Ranges{{1, 2}}));
  EXPECT_EQ(units_of(kv, {0, 6}), (Ranges{{0, 1}, {0, 2}}));  // queries 2 + 2, and 2
  EXPECT_EQ(count_units(units_of(kv, {0, 6})), 3);
  EXPECT_TRUE(units_of(kv, {3, 3}).empty());
}

TEST(SharesTest, ALatentIsWithEveryMember) {
  // One KV head for all queries: keys and values of latent attention, absorbed.
  const UnitLeaves kv = kv_units(split_contiguous(8, 8, 1).leaves, 8);
  for (int64_t member = 0; member < 8; member++)
    EXPECT_EQ(units_of(kv, leaves_of(8, Shares(8, 1), member)), (Ranges{{0, 1}}));
}

TEST(SharesTest, ColumnsOfTiledHeadsStayTiled) {
  const Split split = split_tiled_heads(4, 8, 32, 32);  // key heads 0 ... 3, two tiles of 128
  EXPECT_EQ(columns_of(split, {1, 3}), (Ranges{{32, 96}, {160, 224}}));
  const Split part = split_of(split, {1, 3});
  ASSERT_EQ(part.leaves.size(), 2U);
  EXPECT_EQ(part.leaves[0], (Ranges{{0, 32}, {64, 96}}));
  EXPECT_EQ(part.leaves[1], (Ranges{{32, 64}, {96, 128}}));
}

/// A weight of these rows and columns of float32 that count up.
struct Numbered {
  Numbered(Weight weight, Sharing sharing, Split split) {
    values.resize(static_cast<size_t>(weight.rows() * weight.inputs));
    for (size_t i = 0; i < values.size(); i++) values[i] = static_cast<float>(i);
    info = {.name = "w", .weight = weight, .data = std::as_bytes(std::span(values))};
    info.sharing = std::move(sharing);
    info.split = std::move(split);
  }
  std::vector<float> cut(const Shares& shares, int64_t member) const {
    std::vector<std::byte> storage;
    const std::span<const std::byte> bytes =
        cut_bytes(info, cut_weight(info, shares, member), storage);
    std::vector<float> floats(bytes.size() / sizeof(float));
    std::memcpy(floats.data(), bytes.data(), bytes.size());
    return floats;
  }
  std::vector<float> values;
  WeightInfo info;
};

TEST(SharesTest, AMemberGetsItsRows) {
  const Numbered w({0, Axis::ffn, 4, 1, 2}, {.rows = {{{0, 1}}, {{1, 2}}, {{2, 4}}}}, {});
  EXPECT_EQ(w.cut({1, 0, 2}, 0), (std::vector<float>{0, 1}));
  EXPECT_EQ(w.cut({1, 0, 2}, 2), (std::vector<float>{2, 3, 4, 5, 6, 7}));
  EXPECT_FALSE(cut_weight(w.info, {1, 0, 2}, 1).weight.present());
}

TEST(SharesTest, AMemberGetsTheSameRowsOfEachExpert) {
  const Numbered w({0, Axis::ffn, 2, 1, 2, 2}, {.rows = {{{0, 1}}, {{1, 2}}}}, {});
  EXPECT_EQ(w.cut({1, 1}, 1), (std::vector<float>{2, 3, 6, 7}));
  EXPECT_EQ(w.cut({1, 0}, 0), w.values);
}

TEST(SharesTest, AMemberGetsItsColumns) {
  const Numbered w({0, Axis::hidden, 1, 2, 4}, {.rows = {}, .columns = true},
                   {{{{0, 1}, {2, 3}}, {{1, 2}, {3, 4}}}});
  EXPECT_EQ(w.cut({1, 1}, 0), (std::vector<float>{0, 2, 4, 6}));
  EXPECT_EQ(w.cut({1, 1}, 1), (std::vector<float>{1, 3, 5, 7}));
  const WeightCut cut = cut_weight(w.info, {1, 1}, 1);
  EXPECT_EQ(cut.weight.inputs, 2);
  EXPECT_EQ(cut.split.leaves, (std::vector<Ranges>{{{0, 1}, {1, 2}}}));
}

}  // namespace
}  // namespace troika
