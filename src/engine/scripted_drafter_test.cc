#include "engine/scripted_drafter.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

TEST(ScriptedDrafterTest, IsRightAndWrongAsTold) {
  std::vector<TokenId> text;
  for (int i = 0; i < 10; i++) text.push_back(static_cast<TokenId>(i));
  ScriptedDrafter drafter(
      text, 10, [](int64_t position, int64_t index) { return position % 2 == 0 && index < 3; });
  Sequence sequence;
  sequence.tokens.assign(text.begin(), text.begin() + 4);
  DraftRequest request{.sequence = &sequence, .depth = 8, .tokens = {}};
  ASSERT_TRUE(drafter.propose(std::span(&request, 1)).ok());
  ASSERT_EQ(request.tokens.size(), 8u);
  EXPECT_EQ(request.tokens[0], TokenId{4});
  EXPECT_NE(request.tokens[1], TokenId{5});
  EXPECT_EQ(request.tokens[2], TokenId{6});
  EXPECT_NE(request.tokens[4], TokenId{8});  // index 4: told to be wrong
  for (const TokenId token : request.tokens) EXPECT_LT(static_cast<int32_t>(token), 10);
}

}  // namespace
}  // namespace troika
