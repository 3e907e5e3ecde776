#include "text/utf8.h"

#include <gtest/gtest.h>

namespace troika::text {
namespace {

TEST(RepairUtf8, KeepsWhatIsSound) {
  for (const std::string_view text : {"", "plain", "é ▁ 你 😀", "\xED\xA0\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_EQ(repair_utf8(text), text);
  EXPECT_EQ(repair_utf8({"a\0b", 3}), std::string_view("a\0b", 3));
}

TEST(RepairUtf8, WritesOverlongFormsShort) {
  EXPECT_EQ(repair_utf8("\xC0\xAF"), "/");
  EXPECT_EQ(repair_utf8("\xE0\x80\xAF"), "/");
  EXPECT_EQ(repair_utf8("\xF0\x82\x82\xAC"), "€");
}

TEST(RepairUtf8, ReplacesEachBrokenByte) {
  const std::string bad(kReplacement);
  EXPECT_EQ(repair_utf8("\x80"), bad);
  EXPECT_EQ(repair_utf8("a\xFFz"), "a" + bad + "z");
  EXPECT_EQ(repair_utf8("\xE4\xBD"), bad + bad);         // cut off
  EXPECT_EQ(repair_utf8("\xE4\xBDz"), bad + bad + "z");  // a letter where a continuation is due
  EXPECT_EQ(repair_utf8("\xF4\x90\x80\x80"), bad + bad + bad + bad);  // past U+10FFFF
  EXPECT_EQ(repair_utf8("\xF8\x88\x80\x80\x80"), bad + bad + bad + bad + bad);
}

TEST(Utf8, AppendsAllLengths) {
  std::string text;
  for (const uint32_t code_point : {0x24u, 0xA3u, 0x20ACu, 0x1F600u}) append_utf8(text, code_point);
  EXPECT_EQ(text, "$£€😀");
}

TEST(Utf8, SeesTheFirstHighByteAnywhere) {
  const std::string ascii(37, 'a');
  EXPECT_TRUE(is_ascii(ascii));
  EXPECT_TRUE(is_ascii(""));
  for (size_t i = 0; i < ascii.size(); ++i) {
    std::string text = ascii;
    text[i] = '\x80';
    EXPECT_FALSE(is_ascii(text)) << i;
  }
}

}  // namespace
}  // namespace troika::text
