#include "engine/dry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace troika {
namespace {

std::vector<TokenId> ids(const std::vector<int>& numbers) {
  std::vector<TokenId> ids;
  for (const int number : numbers) ids.push_back(TokenId{number});
  return ids;
}

SamplingOptions options_of(int allowed) {
  SamplingOptions options;
  options.dry_multiplier = 1;
  options.dry_base = 2;
  options.dry_allowed_length = allowed;
  return options;
}

std::map<int, double> found(const std::vector<int>& history, const DryBreakers* breakers = nullptr,
                            int allowed = 1) {
  DryPenalties penalties;
  std::map<int, double> amounts;
  for (const TokenPenalty& penalty : penalties.find(ids(history), breakers, options_of(allowed)))
    amounts[static_cast<int>(penalty.id)] = penalty.amount;
  return amounts;
}

TEST(DryTest, PenalisesWhatFollowedByTheLengthOfTheRepetition) {
  using Amounts = std::map<int, double>;
  EXPECT_EQ(found({}), Amounts());
  EXPECT_EQ(found({1, 2, 3}), Amounts());
  EXPECT_EQ(found({1, 2, 3, 9, 1, 2}), (Amounts{{3, 2}}));
  EXPECT_EQ(found({1, 2, 3, 9, 1, 2}, nullptr, 2), (Amounts{{3, 1}}));
  EXPECT_EQ(found({1, 2, 3, 9, 1, 2}, nullptr, 3), Amounts());
  // The longest repetition of each continuation counts.
  EXPECT_EQ(found({2, 3, 8, 1, 2, 3, 9, 1, 2}), (Amounts{{3, 2}}));
}

// Against the definition: every earlier place, compared token by token.
TEST(DryTest, EqualsItsDefinitionOnRandomTexts) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; round++) {
    std::vector<int> history(1 + random() % 60);
    for (int& id : history) id = static_cast<int>(random() % 3);
    const int size = static_cast<int>(history.size());
    std::map<int, double> wanted;
    for (int k = 1; k < size; k++) {
      int length = 0;
      while (k + length < size && history[static_cast<size_t>(size - 1 - length)] ==
                                      history[static_cast<size_t>(size - 1 - k - length)])
        length++;
      if (length < 1) continue;
      double& amount = wanted[history[static_cast<size_t>(size - k)]];
      amount = std::max(amount, std::min(std::pow(2.0, length - 1), 1e300));
    }
    EXPECT_EQ(found(history), wanted);
  }
}

TEST(DryTest, NoRepetitionSpansABreaker) {
  DryBreakers breakers;
  breakers.add(TokenId{5}, {});
  EXPECT_EQ(found({1, 5, 2, 3, 1, 5, 2}, &breakers), (std::map<int, double>{{3, 1}}));
  EXPECT_TRUE(found({1, 5, 2, 3, 1, 5}, &breakers).empty());
  // A breaker is never penalised itself.
  EXPECT_TRUE(found({1, 2, 5, 1, 2}, &breakers).empty());
  DryBreakers pair;
  pair.add(TokenId{1}, ids({5}));
  EXPECT_EQ(pair.tokens_behind(ids({1, 5, 2, 3})), 2);
  EXPECT_EQ(pair.tokens_behind(ids({1, 2, 5, 3})), 4);
  EXPECT_FALSE(pair.alone(TokenId{1}));
  EXPECT_TRUE(breakers.alone(TokenId{5}));
}

TEST(DryTest, BreakersAreFoundInsideOfTokensAndAcrossThem) {
  const std::vector<std::string> tokens = {"a", "\n", "x\ny", "end", "e", "nd", "the", "n", "d"};
  const auto bytes = [&](TokenId id) { return tokens[static_cast<size_t>(id)]; };
  const auto encode = [&](std::string_view text) {
    std::vector<TokenId> letters;
    for (const char c : text)
      letters.push_back(
          static_cast<TokenId>(std::ranges::find(tokens, std::string(1, c)) - tokens.begin()));
    return letters;
  };
  const std::string wanted[] = {"\n", "end"};
  const DryBreakers breakers = DryBreakers::find(wanted, std::ssize(tokens), bytes, encode);
  EXPECT_FALSE(breakers.alone(TokenId{0}));
  EXPECT_TRUE(breakers.alone(TokenId{1}));
  EXPECT_TRUE(breakers.alone(TokenId{2}));
  EXPECT_TRUE(breakers.alone(TokenId{3}));
  EXPECT_FALSE(breakers.alone(TokenId{4}));
  // "e" + "n" + "d", and "the" + "n" + "d".
  EXPECT_EQ(breakers.tokens_behind(ids({4, 7, 8, 0})), 1);
  EXPECT_EQ(breakers.tokens_behind(ids({6, 7, 8, 0, 0})), 2);
  EXPECT_EQ(breakers.tokens_behind(ids({7, 8, 0})), 3);
}

TEST(DryTest, HistoryKeepsTheNewest) {
  DryHistory none(0), few(3), all(-1);
  for (int i = 0; i < 20; i++)
    for (DryHistory* history : {&none, &few, &all}) history->push(TokenId{i});
  EXPECT_TRUE(none.tokens().empty());
  EXPECT_TRUE(std::ranges::equal(few.tokens(), ids({17, 18, 19})));
  EXPECT_EQ(all.tokens().size(), 20u);
}

TEST(DryTest, LongRepetitionsStayFinite) {
  const std::vector<int> same(5000, 7);
  EXPECT_NEAR(std::log(found(same)[7]), std::log(3.4e38), 0.1);
}

}  // namespace
}  // namespace troika
