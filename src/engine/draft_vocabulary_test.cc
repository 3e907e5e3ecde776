#include "engine/draft_vocabulary.h"

#include <gtest/gtest.h>

#include "graph/batch.h"

namespace troika {
namespace {

constexpr int64_t kTokens = 100 * kBlockRows;

Sequence text(int id, std::initializer_list<int64_t> blocks) {
  Sequence sequence;
  sequence.id = static_cast<SeqId>(id);
  for (const int64_t block : blocks)
    sequence.tokens.push_back(static_cast<TokenId>(block * kBlockRows + 3));
  return sequence;
}

std::vector<int32_t> list_for(DraftVocabulary& vocabulary, std::vector<Sequence>& texts) {
  std::vector<const Sequence*> pointers;
  for (Sequence& sequence : texts) {
    vocabulary.note(sequence);
    pointers.push_back(&sequence);
  }
  const auto list = vocabulary.choose(pointers);
  return {list.begin(), list.end()};
}

TEST(DraftVocabularyTest, HoldsTheLowestIdsWhatEndsATextAndWhatTheTextHolds) {
  const TokenId end = static_cast<TokenId>(99 * kBlockRows + 15);
  DraftVocabulary vocabulary(8, kTokens, {&end, 1});
  EXPECT_TRUE(vocabulary.only_tokens());
  std::vector<Sequence> texts = {text(1, {50, 2, 70})};
  EXPECT_EQ(list_for(vocabulary, texts), (std::vector<int32_t>{0, 1, 2, 3, 4, 50, 70, 99}));
}

TEST(DraftVocabularyTest, FollowsATextAndForgetsAnother) {
  DraftVocabulary vocabulary(4, kTokens, {});
  std::vector<Sequence> texts = {text(1, {50})};
  EXPECT_EQ(list_for(vocabulary, texts), (std::vector<int32_t>{0, 1, 2, 50}));
  texts[0].tokens.push_back(static_cast<TokenId>(60 * kBlockRows));
  EXPECT_EQ(list_for(vocabulary, texts), (std::vector<int32_t>{0, 1, 50, 60}));
  texts = {text(2, {80})};
  EXPECT_EQ(list_for(vocabulary, texts), (std::vector<int32_t>{0, 1, 2, 80}));
}

TEST(DraftVocabularyTest, BlocksOfMoreTextsGoFirst) {
  DraftVocabulary vocabulary(4, kTokens, {});
  std::vector<Sequence> texts = {text(1, {40, 41, 70}), text(2, {42, 70}), text(3, {41, 43})};
  EXPECT_EQ(list_for(vocabulary, texts), (std::vector<int32_t>{0, 1, 41, 70}));
}

TEST(DraftVocabularyTest, ListsNoSeenIdThatIsNoTokenAndSaysIfThereAreTooFew) {
  DraftVocabulary vocabulary(4, 3 * kBlockRows + 5, {});
  EXPECT_FALSE(vocabulary.only_tokens());
  std::vector<Sequence> texts = {text(1, {2, 90})};
  EXPECT_EQ(list_for(vocabulary, texts), (std::vector<int32_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace troika
