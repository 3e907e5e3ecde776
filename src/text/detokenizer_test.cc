#include "text/detokenizer.h"

#include <gtest/gtest.h>

#include <random>

#include "tokenizers/small_vocabulary.h"

namespace troika {
namespace {

const std::string kBad = "\xEF\xBF\xBD";

std::string streamed(std::string_view bytes, size_t chunk) {
  Utf8Stream stream;
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += chunk) {
    stream.push(bytes.substr(at, chunk), text);
    EXPECT_LE(stream.held(), 3);
  }
  stream.flush(text);
  EXPECT_EQ(stream.held(), 0);
  return text;
}

TEST(Utf8Stream, PassesSoundTextUnchanged) {
  const std::string text = std::string("plain é ▁ 你 😀 \xF4\x8F\xBF\xBF") + '\0' + "end";
  for (size_t chunk = 1; chunk <= text.size(); ++chunk) EXPECT_EQ(streamed(text, chunk), text);
}

// The examples of Unicode 3.9, table 3-8 and its neighbours: one U+FFFD for each maximal subpart.
TEST(Utf8Stream, ReplacesEachMaximalBadRun) {
  EXPECT_EQ(streamed("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", 1),
            kBad + kBad + kBad + kBad + kBad + kBad + kBad + kBad + "A");
  EXPECT_EQ(streamed("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", 1),
            kBad + kBad + kBad + kBad + kBad + kBad + kBad + kBad + "A");
  EXPECT_EQ(streamed("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", 1),
            kBad + kBad + kBad + kBad + kBad + "A" + kBad + kBad + "B");
  EXPECT_EQ(streamed("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", 1), kBad + kBad + kBad + kBad + "A");
  EXPECT_EQ(streamed("\xF0\x9F\x98", 1), kBad);
  EXPECT_EQ(streamed("\xE4\xBD\xE4\xBD\xA0", 1), kBad + "你");
}

TEST(Utf8Stream, GivesTheSameTextInAnyChunks) {
  std::mt19937 random(7);
  constexpr std::string_view kBytes =
      "a\x80\xBF\xC3\xE4\xBD\xA0\xED\xA0\xF0\x9F\x98\x80\xF4\x90\xFF";
  for (int round = 0; round < 300; ++round) {
    std::string bytes;
    for (int i = 0; i < 24; ++i) bytes.push_back(kBytes[random() % kBytes.size()]);
    const std::string whole = streamed(bytes, bytes.size());
    for (size_t chunk = 1; chunk < 6; ++chunk) EXPECT_EQ(streamed(bytes, chunk), whole);
  }
}

TEST(Utf8Stream, HandsOutACharacterWithItsLastByte) {
  Utf8Stream stream;
  std::string text;
  stream.push("x\xF0\x9F\x98", text);
  EXPECT_EQ(text, "x");
  EXPECT_EQ(stream.held(), 3);
  stream.push("\x80", text);
  EXPECT_EQ(text, "x😀");
  EXPECT_EQ(stream.held(), 0);
}

TEST(Detokenizer, JoinsTokensThatSplitACharacter) {
  const auto tokenizer = testing::make_tokenizer(testing::byte_vocabulary());
  const auto ids = tokenizer->encode("a😀é", {.add_special = false});
  Detokenizer detokenizer(*tokenizer);
  std::string text;
  for (const TokenId id : ids) {
    const std::string ready = detokenizer.push(id);
    EXPECT_TRUE(ready.empty() || static_cast<unsigned char>(ready[0]) < 0x80 ||
                static_cast<unsigned char>(ready[0]) >= 0xC0);
    text += ready;
  }
  EXPECT_EQ(text + detokenizer.flush(), "a😀é");
}

TEST(Detokenizer, EndsAnIncompleteCharacterWithOneReplacement) {
  const auto tokenizer = testing::make_tokenizer(testing::byte_vocabulary());
  const auto ids = tokenizer->encode("😀", {.add_special = false});
  ASSERT_EQ(ids.size(), 4u);
  Detokenizer detokenizer(*tokenizer);
  EXPECT_EQ(detokenizer.push(ids[0]), "");
  EXPECT_EQ(detokenizer.push(ids[1]), "");
  EXPECT_EQ(detokenizer.flush(), kBad);
  EXPECT_EQ(detokenizer.flush(), "");
}

TEST(Detokenizer, ShowsControlTokensOnlyWhenTold) {
  const auto tokenizer = testing::make_tokenizer(testing::byte_vocabulary());
  const TokenId end = *tokenizer->find("<|im_end|>");
  EXPECT_EQ(Detokenizer(*tokenizer).push(end), "");
  EXPECT_EQ(Detokenizer(*tokenizer, true).push(end), "<|im_end|>");
}

}  // namespace
}  // namespace troika
