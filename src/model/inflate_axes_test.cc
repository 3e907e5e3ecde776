// Placement of units, small enough to follow on paper.
#include "model/inflate_axes.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace troika {
namespace {

ModelShape shape(int64_t hidden, int64_t ffn, int64_t heads, int64_t kv_heads, int64_t key_heads,
                 int64_t value_heads) {
  return {.layers = 1,
          .hidden = hidden,
          .ffn = ffn,
          .vocab = 3,
          .heads = heads,
          .kv_heads = kv_heads,
          .head_dim = 128,
          .key_heads = key_heads,
          .value_heads = value_heads,
          .state_dim = 128};
}

/// The first column of each unit of a map.
IndexMap units(const IndexMap& map, size_t width) {
  IndexMap firsts;
  for (size_t i = 0; i < map.size(); i += width)
    firsts.push_back(map[i] < 0 ? map[i] : map[i] / static_cast<int32_t>(width));
  return firsts;
}

// Two heads on each of two KV heads become four on each of three.
const Growth kHeads = {shape(128, 256, 4, 2, 1, 1), shape(128, 256, 12, 3, 1, 1)};
// Value heads h of key heads h mod 2, two for each, become three for each of three.
const Growth kValues = {shape(128, 256, 1, 1, 2, 4), shape(128, 256, 1, 1, 3, 9)};

TEST(InflateAxes, QueryHeadsStayOnTheirKvHeads) {
  EXPECT_EQ(units(unit_columns(UnitAxis::heads, kHeads), 128),
            (IndexMap{0, 1, -1, -1, 2, 3, -1, -1, -1, -1, -1, -1}));
  EXPECT_EQ(units(unit_columns(UnitAxis::kv_heads, kHeads), 128), (IndexMap{0, 1, -1}));
}

TEST(InflateAxes, ValueHeadsStayOnTheirKeyHeads) {
  EXPECT_EQ(units(unit_columns(UnitAxis::value_heads, kValues), 128),
            (IndexMap{0, 1, -1, 2, 3, -1, -1, -1, -1}));
}

TEST(InflateAxes, UnitsBesideOriginalsAreCopies) {
  // Blocks of 256 columns hold two heads: 0 and 1, 2 and 3, ...
  EXPECT_EQ(units(unit_rows(UnitAxis::heads, 128, kHeads), 128),
            (IndexMap{0, 1, kRandom, kRandom, 2, 3, kRandom, kRandom, kRandom, kRandom, kRandom,
                      kRandom}));
  // Head 2 shares its block with 3, and 5 with 4; their key head is a copy of key head 0.
  EXPECT_EQ(units(unit_rows(UnitAxis::value_heads, 128, kValues), 128),
            (IndexMap{0, 1, 0, 2, 3, 2, kRandom, kRandom, kRandom}));
  EXPECT_EQ(units(unit_rows(UnitAxis::key_heads, 128, kValues), 128), (IndexMap{0, 1, 0}));
  EXPECT_EQ(units(unit_rows(UnitAxis::kv_heads, 128, kHeads), 128), (IndexMap{0, 1, 0}));
}

TEST(InflateAxes, VectorsHaveCopiesOnly) {
  EXPECT_EQ(unit_copies(UnitAxis::value_heads, 1, kValues), (IndexMap{0, 1, 0, 2, 3, 2, 0, 1, 0}));
}

TEST(InflateAxes, FeedForwardBlocksAreFilledWithCopies) {
  const Growth growth = {shape(128, 300, 1, 1, 1, 1), shape(128, 1000, 1, 1, 1, 1)};
  const IndexMap rows = unit_rows(UnitAxis::ffn, 1, growth);
  ASSERT_EQ(rows.size(), 1000u);
  EXPECT_EQ(rows[299], 299);
  EXPECT_EQ(rows[300], 0);
  EXPECT_EQ(rows[511], 211);
  EXPECT_EQ(rows[512], kRandom);
  const IndexMap columns = unit_columns(UnitAxis::ffn, growth);
  EXPECT_EQ(columns[299], 299);
  EXPECT_EQ(std::ranges::count(columns, kZero), 700);
}

TEST(InflateAxes, ResidualStreamIsZeroWhereItGrew) {
  const Growth growth = {shape(128, 1, 1, 1, 1, 1), shape(512, 1, 1, 1, 1, 1)};
  const IndexMap written = hidden_written(growth);
  const IndexMap read = hidden_read(growth);
  EXPECT_EQ(written[127], 127);
  EXPECT_EQ(std::ranges::count(written, kZero), 384);
  EXPECT_EQ(read[127], 127);
  EXPECT_EQ(read[128], kZero);  // shares a block with what is real
  EXPECT_EQ(read[256], kRandom);
}

TEST(InflateAxes, TheVocabularyRepeats) {
  Growth growth = {shape(1, 1, 1, 1, 1, 1), shape(1, 1, 1, 1, 1, 1)};
  growth.to.vocab = 7;
  EXPECT_EQ(vocab_rows(growth), (IndexMap{0, 1, 2, 0, 1, 2, 0}));
}

}  // namespace
}  // namespace troika
