#include "engine/text_stream.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace troika {
namespace {

using Strings = std::vector<std::string>;

struct Streamed {
  Strings deltas;
  std::string text;
  std::optional<size_t> stopped_by;
};

Streamed stream(const Strings& stop, const Strings& tokens, size_t may_stop_from = 0) {
  TextStream stream(stop);
  Streamed out;
  for (size_t i = 0; i < tokens.size(); i++) {
    std::string delta;
    const bool stopped = stream.push(tokens[i], i >= may_stop_from, delta);
    out.deltas.push_back(delta);
    out.text += delta;
    if (stopped) break;
  }
  stream.finish(out.text);
  out.stopped_by = stream.stopped_by();
  return out;
}

TEST(TextStreamTest, HoldsBackWhatMayBecomeAStopString) {
  const Streamed out = stream({"\n\nUser:"}, {"Hi", "!\n", "\nU", "se", "r: no"});
  EXPECT_EQ(out.deltas, (Strings{"Hi", "!", "", "", ""}));
  EXPECT_EQ(out.text, "Hi!");
  EXPECT_EQ(out.stopped_by, 0u);
}

TEST(TextStreamTest, HandsOutWhatDidNotBecomeOne) {
  const Streamed out = stream({"\n\nUser:"}, {"a\n", "\nUs", "\n", "\nx"});
  EXPECT_EQ(out.deltas, (Strings{"a", "", "\n\nUs", "\n\nx"}));
  EXPECT_FALSE(out.stopped_by);
}

TEST(TextStreamTest, TheEndHandsOutWhatIsHeld) {
  EXPECT_EQ(stream({"END"}, {"the E", "N"}).text, "the EN");
  EXPECT_EQ(stream({}, {"a\xC3"}).text, "a\xEF\xBF\xBD");
}

TEST(TextStreamTest, CharactersComeOutWhole) {
  const Streamed out = stream({"\xE2\x82\xAC!"}, {"x\xE2", "\x82", "\xAC", "?"});
  EXPECT_EQ(out.deltas, (Strings{"x", "", "", "\xE2\x82\xAC?"}));
}

TEST(TextStreamTest, AStopStringMayBeginWithinACharacter) {
  EXPECT_EQ(stream({"\xAC"}, {"x\xE2\x82", "\xAC"}).text, "x\xEF\xBF\xBD");
}

TEST(TextStreamTest, WhatIsCompletedTooEarlyIsText) {
  EXPECT_EQ(stream({"ab"}, {"ab", "a", "b", "ab"}, 2).text, "ab");  // the second, cut in two
  EXPECT_EQ(stream({"ab"}, {"ab", "ab"}, 2).text, "abab");
  EXPECT_EQ(stream({"aa"}, {"aaa", "a"}, 1).text, "aa");
}

TEST(TextStreamTest, CutsDecideWhenTextComesNotWhich) {
  std::mt19937 random(5);
  for (int round = 0; round < 500; round++) {
    std::string text;
    for (int i = 0; i < 20; i++) text += Strings{"a", "b", "\xC3\xA9", "\xC3"}[random() % 4];
    const Strings stop = {"ab\xC3\xA9", "ba" + std::string("ab"), "\xC3\xA9\xC3\xA9"};
    Strings tokens(1);
    for (const char c : text) {
      if (random() % 3 == 0) tokens.emplace_back();
      tokens.back() += c;
    }
    const Streamed whole = stream(stop, {text});
    const Streamed cut = stream(stop, tokens);
    EXPECT_EQ(cut.text, whole.text);
    EXPECT_EQ(cut.stopped_by, whole.stopped_by);
  }
}

}  // namespace
}  // namespace troika
