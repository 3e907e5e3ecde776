#include "engine/ngram_drafter.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace troika {
namespace {

Sequence text_of(std::string_view text, int id = 0, int32_t slot = 0) {
  Sequence s{.id = static_cast<SeqId>(id), .tokens_end = 4096, .slot = slot};
  for (const char c : text) s.tokens.push_back(static_cast<TokenId>(c));
  return s;
}

void append(Sequence& s, std::string_view text) {
  for (const char c : text) s.tokens.push_back(static_cast<TokenId>(c));
}

/// What is drafted after the text, "" where there is no match.
std::string drafted(NgramDrafter& drafter, Sequence& s, int64_t depth,
                    const SpeculationOptions& options = {}) {
  const DraftOffer offer = drafter.offer(s, options);
  if (offer.depth_max == 0) return "";
  DraftRequest request{.sequence = &s, .depth = depth};
  EXPECT_TRUE(drafter.propose(std::span(&request, 1)).ok());
  std::string text;
  for (const TokenId id : request.tokens) text += static_cast<char>(id);
  return text;
}

TEST(NgramDrafter, DraftsWhatFollowedTheLongestMatch) {
  NgramDrafter drafter(1);
  // "quick" is preceded by "the" once and by "a" once, the latter later.
  Sequence s = text_of("the quick fox saw a quick dog; so the quick ");
  EXPECT_EQ(drafted(drafter, s, 4), "fox ");
  EXPECT_EQ(drafted(drafter, s, 4, {.ngram_min = 2, .ngram_max = 5}), "dog;");  // the latest
  EXPECT_EQ(drafter.offer(s, {}).source, DraftSource::ngram_long);
}

TEST(NgramDrafter, MatchesNothingShorterThanAsked) {
  NgramDrafter drafter(1);
  Sequence s = text_of("abcdefbc");
  EXPECT_EQ(drafted(drafter, s, 3), "def");
  EXPECT_EQ(drafter.offer(s, {}).source, DraftSource::ngram_short);
  EXPECT_EQ(drafted(drafter, s, 3, {.ngram_min = 3}), "");
  Sequence none = text_of("abcdefgh", 1);
  EXPECT_EQ(drafted(drafter, none, 3, {.ngram_min = 1}), "");
  Sequence one = text_of("a", 2);
  EXPECT_EQ(drafted(drafter, one, 3, {.ngram_min = 1}), "");
  append(one, "a");
  EXPECT_EQ(drafted(drafter, one, 3, {.ngram_min = 1}), "aaa");
}

TEST(NgramDrafter, GoesOnRepeatingBeyondTheEndOfTheText) {
  NgramDrafter drafter(1);
  Sequence s = text_of("xyzabcabc");
  EXPECT_EQ(drafted(drafter, s, 8), "abcabcab");
}

TEST(NgramDrafter, FollowsATextThatGrows) {
  NgramDrafter drafter(1);
  const SpeculationOptions options{.ngram_min = 4};
  Sequence s = text_of("one two three ");
  EXPECT_EQ(drafted(drafter, s, 4, options), "");
  append(s, "one ");
  EXPECT_EQ(drafted(drafter, s, 4, options), "two ");
  append(s, "two four, two six, one two ");
  EXPECT_EQ(drafted(drafter, s, 4, options), "four");  // "one two " is longer than " two "
}

TEST(NgramDrafter, NeverLooksIntoAnotherSequence) {
  NgramDrafter drafter(2);
  Sequence first = text_of("a secret word: swordfish", 7, 0);
  EXPECT_EQ(drafted(drafter, first, 4), "");
  Sequence beside = text_of("a secret word: ", 8, 1);
  EXPECT_EQ(drafted(drafter, beside, 4), "");
  Sequence after = text_of("a secret word: ", 9, 0);  // in the same slot, unforgotten
  EXPECT_EQ(drafted(drafter, after, 4), "");
  drafter.forget(after);
  EXPECT_EQ(drafted(drafter, after, 4), "");
}

TEST(NgramDrafter, FindsTheLongestOfAllPlacesByAPlainSearch) {
  NgramDrafter drafter(1);
  Sequence s = text_of("");
  s.tokens_end = 600;
  uint64_t random = 1;
  for (int step = 0; step < 600; step++) {
    random = random * 6364136223846793005 + 1442695040888963407;
    s.tokens.push_back(static_cast<TokenId>(random >> 61));  // 8 words
    const int64_t size = std::ssize(s.tokens);
    int64_t longest = 0;
    int64_t places = 0;
    for (int64_t p = size - 2; p >= 0; p--) {
      int64_t length = 0;
      while (length < 12 && p - length >= 0 &&
             s.tokens[static_cast<size_t>(p - length)] ==
                 s.tokens[static_cast<size_t>(size - 1 - length)])
        length++;
      places += length >= 2 ? 1 : 0;
      longest = std::max(longest, length);
    }
    const DraftOffer offer = drafter.offer(s, {});
    EXPECT_EQ(offer.depth_max > 0, longest >= 2) << step;
    if (places > NgramDrafter::kPlacesMax) continue;
    const DraftSource wanted = longest >= 8   ? DraftSource::ngram_long
                               : longest >= 4 ? DraftSource::ngram_medium
                                              : DraftSource::ngram_short;
    EXPECT_EQ(offer.source, wanted) << step;
  }
}

}  // namespace
}  // namespace troika
