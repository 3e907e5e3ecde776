#include "text/chat.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

const ChatMessage kTurns[] = {{"system", "Be brief."}, {"user", "Hi\nthere"}};

TEST(Chatml, ClosesEveryTurnAndOpensTheAnswer) {
  EXPECT_EQ(render_chatml(kTurns),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi\nthere<|im_end|>\n"
            "<|im_start|>assistant\n");
}

TEST(Chatml, LeavesTheOpeningOutWhenTold) {
  EXPECT_EQ(render_chatml({&kTurns[1], 1}, false), "<|im_start|>user\nHi\nthere<|im_end|>\n");
  EXPECT_EQ(render_chatml({}, false), "");
}

TEST(Chatml, AcceptsTemplatesOfItsKind) {
  EXPECT_TRUE(check_chatml("{{ '<|im_start|>' + message.role }}").ok());
}

TEST(Chatml, RefusesOtherTemplatesAndSaysWhatToDo) {
  const Status other = check_chatml("{{ '[INST]' }}");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code(), ErrorCode::unsupported);
  EXPECT_NE(other.error().message().find("ChatML"), std::string::npos);
  EXPECT_NE(other.error().message().find("--raw"), std::string::npos);
  const Status none = check_chatml(std::nullopt);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code(), ErrorCode::not_found);
  EXPECT_NE(none.error().message().find("--raw"), std::string::npos);
}

}  // namespace
}  // namespace troika
