#include "text/pretokenizer.h"

#include <gtest/gtest.h>

#include <ctime>
#include <set>

#include "text/utf8.h"

namespace troika::text {
namespace {

using Words = std::vector<std::string>;

Words split(std::string_view name, std::string_view text) {
  const PretokenizerRow* row = find_pretokenizer(name);
  if (!row) return {"no such list"};
  const auto pretokenizer = Pretokenizer::make(*row);
  if (!pretokenizer.ok()) return {pretokenizer.error().message()};
  Words words;
  pretokenizer->split(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

TEST(Pretokenizer, ListsCutContractionsAndDigitsTheirWay) {
  constexpr std::string_view kText = "I'M o'clock, we'd 12345";
  EXPECT_EQ(split("gpt-2", kText),
            (Words{"I", "'", "M", " o", "'", "clock", ",", " we", "'d", " 12345"}));
  EXPECT_EQ(split("llama-bpe", kText),
            (Words{"I", "'M", " o", "'clock", ",", " we", "'d", " ", "123", "45"}));
  EXPECT_EQ(split("qwen2", kText),
            (Words{"I", "'M", " o", "'clock", ",", " we", "'d", " ", "1", "2", "3", "4", "5"}));
  EXPECT_EQ(split("default", "a1234, b"), (Words{"a", "123", "4", ",", " b"}));
  EXPECT_EQ(split("superbpe", "at 1234567"), (Words{"at ", "1", "234", "567"}));
  EXPECT_EQ(split("tiny_aya", "1234567 12a"), (Words{"1", "234", "567", " ", "12", "a"}));
}

TEST(Pretokenizer, MarksBelongToWordsOnlyWhereTheVocabularySaysSo) {
  EXPECT_EQ(split("qwen2", "हिन्दी"), (Words{"ह", "िन", "्द", "ी"}));
  EXPECT_EQ(split("qwen35", "हिन्दी"), (Words{"हिन्दी"}));
}

TEST(Pretokenizer, TheLastBlankOfARunJoinsTheNextWord) {
  EXPECT_EQ(split("gpt-2", "a   b"), (Words{"a", "  ", " b"}));
  EXPECT_EQ(split("qwen2", "a   b  "), (Words{"a", "  ", " b", "  "}));
  EXPECT_EQ(split("qwen2", "a \n \n b"), (Words{"a", " \n \n", " b"}));
  EXPECT_EQ(split("qwen2", "a\tb"), (Words{"a", "\tb"}));
  EXPECT_EQ(split("gpt-2", "a\tb"), (Words{"a", "\t", "b"}));
}

// Unicode's White_Space has 25 members; U+180E and U+200B are not among them.
TEST(Pretokenizer, BlanksAreThoseOfUnicode) {
  EXPECT_EQ(split("gpt-2", "a\xC2\x85\xE3\x80\x80"), (Words{"a", "\xC2\x85\xE3\x80\x80"}));
  EXPECT_EQ(split("gpt-2", "!\xE1\xA0\x8E!"), (Words{"!\xE1\xA0\x8E!"}));
  EXPECT_EQ(split("gpt-2", "!\xE2\x80\x8B!"), (Words{"!\xE2\x80\x8B!"}));
}

TEST(Pretokenizer, SurrogatesAreNoLettersAndStayAsTheyAre) {
  EXPECT_EQ(split("qwen2", "a\xED\xA0\x80z"), (Words{"a", "\xED\xA0\x80z"}));
  EXPECT_EQ(split("qwen2", "\xED\x95\x9C"), (Words{"\xED\x95\x9C"}));  // Hangul begins with ED, too
}

TEST(Pretokenizer, NothingIsDroppedByAnyList) {
  const std::string text = repair_utf8(
      "Hello,  world's 12345 ½ 你好 हि \r\n\t\n (x) a_b ~ \xED\xBF\xBF\xFF 1a2 «é» e\xCC\x81 😀 end "
      " ");
  for (const PretokenizerRow& row : pretokenizers()) {
    std::string joined;
    for (const std::string& word : split(row.name, text)) {
      EXPECT_FALSE(word.empty()) << row.name;
      joined += word;
    }
    EXPECT_EQ(joined, text) << row.name;
    EXPECT_EQ(split(row.name, ""), Words{}) << row.name;
  }
}

// Text that a careless pattern reads again from every place, or recurses on. Processor time,
// because others may be using the machine.
TEST(Pretokenizer, LongRunsStayFast) {
  constexpr size_t kLength = 100000;
  std::string joined_words = "a";
  while (joined_words.size() < kLength) joined_words += " bc";
  std::set<const PretokenizerStep*> lists;
  const std::clock_t start = std::clock();
  for (const PretokenizerRow& row : pretokenizers()) {
    if (!lists.insert(row.steps.data()).second) continue;
    for (const std::string& text :
         {std::string(kLength, 'a'), std::string(kLength, 'A'), std::string(kLength, '7') + "a",
          std::string(kLength, ' ') + "a", std::string(kLength, '\n'), std::string(kLength, '.'),
          joined_words}) {
      size_t bytes = 0;
      for (const std::string& word : split(row.name, text)) bytes += word.size();
      EXPECT_EQ(bytes, text.size()) << row.name;
    }
  }
  EXPECT_EQ(split("exaone-moe", joined_words).size(), 1u);
  // More steps back than the library's own limit.
  EXPECT_EQ(split("qwen2", std::string(12000000, ' ') + "a b").size(), 3u);
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 60);
}

TEST(PretokenizerTable, NamesAreUniqueAndTheEmptyNameIsDefault) {
  std::set<std::string_view> names;
  for (const PretokenizerRow& row : pretokenizers()) EXPECT_TRUE(names.insert(row.name).second);
  ASSERT_TRUE(find_pretokenizer(""));
  EXPECT_EQ(find_pretokenizer("")->name, "default");
  EXPECT_EQ(find_pretokenizer("no such list"), nullptr);
  EXPECT_NE(pretokenizer_names().find("qwen35"), std::string::npos);
}

}  // namespace
}  // namespace troika::text
