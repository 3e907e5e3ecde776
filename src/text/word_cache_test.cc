#include "text/word_cache.h"

#include <gtest/gtest.h>

#include <string>

#include "text/pair_table.h"

namespace troika::text {
namespace {

TEST(WordCache, GivesBackWhatWasAdded) {
  WordCache cache;
  std::vector<TokenId> ids = {TokenId{9}, TokenId{1}, TokenId{2}};
  EXPECT_FALSE(cache.append("word", ids));
  cache.add(std::string("word"), ids, 1);
  EXPECT_TRUE(cache.append("word", ids));
  EXPECT_EQ(ids,
            (std::vector<TokenId>{TokenId{9}, TokenId{1}, TokenId{2}, TokenId{1}, TokenId{2}}));
  EXPECT_FALSE(cache.append("words", ids));
}

TEST(WordCache, StaysBoundedAndKeepsWhatItHas) {
  WordCache cache;
  for (size_t i = 0; i < WordCache::kWordsMax + 1000; ++i)
    cache.add(std::to_string(i), {TokenId{static_cast<int32_t>(i)}}, 0);
  std::vector<TokenId> ids;
  EXPECT_TRUE(cache.append("0", ids));
  EXPECT_TRUE(cache.append(std::to_string(WordCache::kWordsMax - 1), ids));
  EXPECT_FALSE(cache.append(std::to_string(WordCache::kWordsMax), ids));
  EXPECT_EQ(ids.back(), TokenId{static_cast<int32_t>(WordCache::kWordsMax - 1)});
  const std::string long_word(WordCache::kWordBytesMax + 1, 'x');
  cache.add(long_word, ids, 0);
  EXPECT_FALSE(cache.append(long_word, ids));
}

TEST(StringIndex, KeepsTheFirstValueOfAKey) {
  StringIndex index;
  EXPECT_EQ(index.find("a"), StringIndex::kNone);
  EXPECT_EQ(index.add("a", 5), 5);
  EXPECT_EQ(index.add("a", 6), 5);
  EXPECT_EQ(index.find("a"), 5);
  EXPECT_EQ(index.find("b"), StringIndex::kNone);
}

TEST(PairTable, KeepsTheFirstOfEqualPairs) {
  PairTable table;
  table.reserve(3);
  table.add(1, 2, 0, 10);
  table.add(1, 2, 1, 11);
  table.add(2, 1, 2, 12);
  ASSERT_TRUE(table.find(1, 2));
  EXPECT_EQ(table.find(1, 2)->rank, 0u);
  EXPECT_EQ(table.find(1, 2)->result, 10);
  EXPECT_EQ(table.find(2, 1)->result, 12);
  EXPECT_EQ(table.find(2, 2), nullptr);
}

}  // namespace
}  // namespace troika::text
