#include "text/normalize.h"

#include <gtest/gtest.h>

namespace troika::text {
namespace {

TEST(Compose, JoinsLettersAndMarks) {
  EXPECT_EQ(compose("e\xCC\x81"), "\xC3\xA9");
  EXPECT_EQ(compose("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB"), "한");
  EXPECT_EQ(compose("\xE2\x84\xAB"), "\xC3\x85");  // the Angstrom sign is the letter
  EXPECT_EQ(compose("ﬀ"), "ﬀ");                    // compatibility forms stay
}

TEST(Compose, LeavesOtherTextAlone) {
  EXPECT_EQ(compose(""), "");
  EXPECT_EQ(compose("plain"), "plain");
  EXPECT_EQ(compose(std::string_view("a\0e\xCC\x81", 5)), std::string_view("a\0\xC3\xA9", 4));
  EXPECT_EQ(compose("e\xCC\x81\xED\xA0\x80"), "e\xCC\x81\xED\xA0\x80");  // not valid UTF-8
}

}  // namespace
}  // namespace troika::text
