#include "text/merge_chain.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace troika::text {
namespace {

struct Rules {
  using Symbol = int;
  struct Merge {
    int order;
    int result;
  };
  std::optional<Merge> merge(int left, int right) const {
    const auto found = pairs.find({left, right});
    return found == pairs.end() ? std::nullopt : std::optional<Merge>(found->second);
  }
  std::map<std::pair<int, int>, Merge> pairs;
};

std::vector<int> merged(const Rules& rules, const std::vector<int>& word,
                        MergeChain<Rules>& chain) {
  chain.clear();
  for (const int symbol : word) chain.push(symbol);
  chain.run(rules);
  std::vector<int> left;
  chain.each([&](int symbol) { left.push_back(symbol); });
  return left;
}

// The definition: join the leftmost of the best pairs until there is none.
std::vector<int> slowly_merged(const Rules& rules, std::vector<int> word) {
  for (;;) {
    std::optional<Rules::Merge> best;
    size_t at = 0;
    for (size_t i = 0; i + 1 < word.size(); ++i) {
      const auto merge = rules.merge(word[i], word[i + 1]);
      if (merge && (!best || merge->order < best->order)) best = merge, at = i;
    }
    if (!best) return word;
    word[at] = best->result;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

TEST(MergeChain, TakesTheLeftmostOfEqualPairs) {
  const Rules rules{{{{1, 1}, {0, 2}}}};
  MergeChain<Rules> chain;
  EXPECT_EQ(merged(rules, {1, 1, 1}, chain), (std::vector<int>{2, 1}));
  EXPECT_EQ(merged(rules, {}, chain), (std::vector<int>{}));
  EXPECT_EQ(merged(rules, {1}, chain), (std::vector<int>{1}));
}

TEST(MergeChain, AgreesWithTheDefinitionOnRandomRules) {
  std::mt19937 random(3);
  MergeChain<Rules> chain;  // one for all words: nothing may be left over
  for (int round = 0; round < 2000; ++round) {
    Rules rules;
    for (int i = 0; i < 10; ++i)
      rules.pairs.insert({{static_cast<int>(random() % 6), static_cast<int>(random() % 6)},
                          {static_cast<int>(random() % 4), static_cast<int>(random() % 6)}});
    std::vector<int> word(random() % 24);
    for (int& symbol : word) symbol = static_cast<int>(random() % 4);
    ASSERT_EQ(merged(rules, word, chain), slowly_merged(rules, word));
  }
}

}  // namespace
}  // namespace troika::text
