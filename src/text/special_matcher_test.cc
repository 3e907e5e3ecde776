#include "text/special_matcher.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <random>
#include <string>

namespace troika::text {
namespace {

using Words = std::vector<std::pair<std::string_view, int32_t>>;

// Leftmost, then longest, tried at every place.
SpecialMatcher::Match slow_find(const Words& words, std::string_view text, size_t from) {
  for (size_t at = from; at < text.size(); ++at) {
    SpecialMatcher::Match best{text.size(), text.size(), -1};
    for (const auto& [word, id] : words)
      if (text.substr(at).starts_with(word) && (best.id < 0 || at + word.size() > best.end))
        best = {at, at + word.size(), id};
    if (best.id >= 0) return best;
  }
  return {text.size(), text.size(), -1};
}

TEST(SpecialMatcher, FindsLeftmostThenLongest) {
  const SpecialMatcher matcher(Words{{"<a>", 1}, {"<a><b>", 2}, {"b>", 3}, {"<", 4}});
  const auto match = matcher.find("x<a><b>y", 0);
  EXPECT_EQ(match.begin, 1u);
  EXPECT_EQ(match.end, 7u);
  EXPECT_EQ(match.id, 2);
  EXPECT_EQ(matcher.find("x<a><c", 0).id, 1);
  EXPECT_EQ(matcher.find("x<a><c", 4).id, 4);
  EXPECT_EQ(matcher.find("nothing", 0).id, -1);
  EXPECT_EQ(matcher.find("", 0).id, -1);
}

TEST(SpecialMatcher, OfNothingFindsNothing) {
  const SpecialMatcher matcher(Words{});
  const auto match = matcher.find("any text", 0);
  EXPECT_EQ(match.id, -1);
  EXPECT_EQ(match.begin, 8u);
}

TEST(SpecialMatcher, AgreesWithTheSlowWayOnRandomWords) {
  std::mt19937 random(11);
  const auto word = [&](size_t length) {
    std::string text;
    while (text.size() < length) text.push_back("ab\xFF"[random() % 3]);
    return text;
  };
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> texts;
    for (int i = 0; i < 6; ++i) texts.push_back(word(1 + random() % 5));
    Words words;
    for (const std::string& text : texts) {
      const bool known =
          std::any_of(words.begin(), words.end(), [&](const auto& w) { return w.first == text; });
      if (!known) words.emplace_back(text, static_cast<int32_t>(words.size()));
    }
    const SpecialMatcher matcher(words);
    const std::string text = word(40);
    for (size_t from = 0; from < text.size();) {
      const auto got = matcher.find(text, from), want = slow_find(words, text, from);
      ASSERT_EQ(got.begin, want.begin);
      ASSERT_EQ(got.end, want.end);
      ASSERT_EQ(got.id, want.id);
      from = got.end;
    }
  }
}

TEST(SpecialMatcher, StaysFastWithManyWords) {
  std::vector<std::string> texts;
  for (int i = 0; i < 200000; ++i) texts.push_back(fmt::format("<|reserved_special_token_{}|>", i));
  Words words;
  for (const std::string& text : texts)
    words.emplace_back(text, static_cast<int32_t>(words.size()));
  const SpecialMatcher matcher(words);
  std::string text;
  for (int i = 0; i < 50000; ++i) text += "<|reserved_special_";
  const std::clock_t start = std::clock();
  EXPECT_EQ(matcher.find(text, 0).id, -1);
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 5);
}

}  // namespace
}  // namespace troika::text
