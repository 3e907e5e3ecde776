#include "engine/stop_strings.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace troika {
namespace {

using Strings = std::vector<std::string>;

/// Where the first stop string ends, and which it is; {text size + 1, 0} if there is none.
std::pair<size_t, size_t> first_end(const Strings& stops, const std::string& text) {
  for (size_t end = 1; end <= text.size(); end++) {
    size_t best = stops.size();
    for (size_t i = 0; i < stops.size(); i++)
      if (text.substr(0, end).ends_with(stops[i]) &&
          (best == stops.size() || stops[i].size() > stops[best].size()))
        best = i;
    if (best < stops.size()) return {end, best};
  }
  return {text.size() + 1, 0};
}

/// The longest end of `text` that is a beginning of a stop string, short of all of it.
size_t open_end(const Strings& stops, const std::string& text) {
  size_t longest = 0;
  for (const std::string& stop : stops)
    for (size_t n = 1; n < stop.size() && n <= text.size(); n++)
      if (text.ends_with(stop.substr(0, n))) longest = std::max(longest, n);
  return longest;
}

TEST(StopStringsTest, FindsWhatASearchOfTheWholeTextFinds) {
  std::mt19937 random(3);
  const auto word = [&](size_t length) {
    std::string text;
    for (size_t i = 0; i < length; i++) text += "ab"[random() % 2];
    return text;
  };
  for (int round = 0; round < 2000; round++) {
    Strings stops;
    for (size_t i = 0; i < 1 + random() % 4; i++) stops.push_back(word(1 + random() % 6));
    const std::string text = word(30);
    const auto [end, number] = first_end(stops, text);
    StopStrings matcher(stops);
    for (size_t i = 0; i < text.size(); i++) {
      const auto found = matcher.push(text[i]);
      ASSERT_EQ(found.has_value(), i + 1 == end) << text << " " << i;
      EXPECT_EQ(matcher.held(), open_end(stops, text.substr(0, i + 1)));
      if (!found) continue;
      EXPECT_EQ(*found, number);
      break;
    }
  }
}

TEST(StopStringsTest, GoesOnBehindAMatch) {
  StopStrings matcher(Strings{"aa"});
  EXPECT_FALSE(matcher.push('a'));
  EXPECT_TRUE(matcher.push('a'));
  EXPECT_EQ(matcher.held(), 1u);
  EXPECT_TRUE(matcher.push('a'));
  EXPECT_FALSE(matcher.push('b'));
  EXPECT_EQ(matcher.held(), 0u);
}

TEST(StopStringsTest, OfSeveralTheLongestAndOfEqualsTheFirst) {
  StopStrings matcher(Strings{"c", "abc", "bc", "abc"});
  matcher.push('a');
  matcher.push('b');
  EXPECT_EQ(matcher.push('c'), 1u);
}

TEST(StopStringsTest, WithoutStringsNothingIsFoundOrHeld) {
  StopStrings matcher(Strings{});
  EXPECT_FALSE(matcher.push('a'));
  EXPECT_EQ(matcher.held(), 0u);
}

TEST(StopStringsTest, RefusalsNameTheString) {
  EXPECT_TRUE(check_stop_strings(Strings{}).ok());
  EXPECT_TRUE(check_stop_strings(Strings{std::string(kStopStringBytesMax, 'x')}).ok());
  const auto refusal = [](const Strings& strings) {
    const Status status = check_stop_strings(strings);
    EXPECT_FALSE(status.ok());
    return status.ok() ? "" : status.error().message();
  };
  EXPECT_EQ(refusal(Strings{"a", ""}), "stop string 1 has 0 bytes, want 1 to 4096");
  EXPECT_EQ(refusal(Strings{std::string(kStopStringBytesMax + 1, 'x')}),
            "stop string 0 has 4097 bytes, want 1 to 4096");
  EXPECT_EQ(refusal(Strings(kStopStringsMax + 1, "a")), "stop has 257 strings, want at most 256");
}

}  // namespace
}  // namespace troika
