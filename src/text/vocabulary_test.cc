#include "text/vocabulary.h"

#include <gtest/gtest.h>

#include "tokenizers/small_vocabulary.h"

namespace troika::text {
namespace {

using testing::byte_vocabulary;
using testing::make_tokenizer;
using testing::sentence_vocabulary;
using testing::SmallVocabulary;

// Expects a refusal as `code` whose message holds all of `parts`.
void expect_refused(const TokenizerSpec& spec, ErrorCode code,
                    std::initializer_list<std::string_view> parts) {
  const auto tokenizer = Tokenizer::make(spec);
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_EQ(tokenizer.error().code(), code) << tokenizer.error().message();
  for (const std::string_view part : parts)
    EXPECT_NE(tokenizer.error().message().find(part), std::string::npos)
        << tokenizer.error().message();
}

TEST(VocabularyRefusals, ListsThatDoNotFit) {
  SmallVocabulary v = byte_vocabulary();
  TokenizerSpec spec = v.spec();
  spec.types.pop_back();
  expect_refused(spec, ErrorCode::corrupt, {"token_type", "269", "270"});
  spec = v.spec();
  spec.types[5] = 7;
  expect_refused(spec, ErrorCode::corrupt, {"token_type", "token 5", "7"});
  spec = v.spec();
  spec.tokens.clear();
  expect_refused(spec, ErrorCode::corrupt, {"tokens", "0"});
}

TEST(VocabularyRefusals, TokensThatCannotBe) {
  SmallVocabulary v = byte_vocabulary();
  v.add("hello");
  expect_refused(v.spec(), ErrorCode::corrupt, {"259", "270", "hello"});
  v = byte_vocabulary();
  v.add(std::string(kTokenBytesMax + 1, 'x'));
  expect_refused(v.spec(), ErrorCode::corrupt, {"token 270", "65537", "65536"});
  v = byte_vocabulary();
  v.add("bad\nname", TokenType::byte);
  expect_refused(v.spec(), ErrorCode::corrupt, {"byte", "bad\\x0a", "<0x00>"});
  for (const char* bad : {"<0xGG>", "<0x1>", "<0x+1>", "0x41"}) {
    v = byte_vocabulary();
    v.add(bad, TokenType::byte);
    expect_refused(v.spec(), ErrorCode::corrupt, {bad});
  }
}

TEST(VocabularyRefusals, TooMuchSpecialText) {
  SmallVocabulary v = byte_vocabulary();
  for (int i = 0; i < 1100; ++i)
    v.add(fmt::format("{}{}", i, std::string(65000, 'x')), TokenType::control);
  expect_refused(v.spec(), ErrorCode::corrupt, {"special tokens", "67108864"});
}

TEST(Vocabulary, EmptyTokensGetANameOfTheirOwn) {
  SmallVocabulary v = byte_vocabulary();
  const TokenId first{v.add("")}, second{v.add("")};
  const auto tokenizer = make_tokenizer(v);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->token_text(first), "[EMPTY_270]");
  EXPECT_EQ(tokenizer->token_text(second), "[EMPTY_271]");
}

TEST(Vocabulary, PrintsByType) {
  SmallVocabulary v = byte_vocabulary();
  const TokenId byte{v.add("<0xE4>", TokenType::byte)};
  const TokenId undefined{v.add("nothing", TokenType::undefined)};
  const TokenId unknown{v.add("<unk>", TokenType::unknown)};
  const auto tokenizer = make_tokenizer(v);
  ASSERT_TRUE(tokenizer);
  const auto id = [&](std::string_view text) { return *tokenizer->find(text); };
  EXPECT_EQ(tokenizer->piece(id("Ġworld")), " world");
  EXPECT_EQ(tokenizer->piece(id("<tool>")), "<tool>");
  EXPECT_EQ(tokenizer->piece(byte), "\xE4");
  EXPECT_EQ(tokenizer->piece(id("[PAD269]"), true), "");
  EXPECT_EQ(tokenizer->piece(undefined, true), "");
  for (const TokenId special : {id("<|im_start|>"), unknown}) {
    EXPECT_EQ(tokenizer->piece(special), "");
    EXPECT_EQ(tokenizer->piece(special, true), tokenizer->token_text(special));
  }
}

TEST(Vocabulary, IdsOutsideAreNothing) {
  const auto tokenizer = make_tokenizer(byte_vocabulary());
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->vocab(), 270);
  for (const int32_t row : {-1, 270, INT32_MAX, INT32_MIN}) {
    EXPECT_EQ(tokenizer->piece(TokenId{row}, true), "");
    EXPECT_EQ(tokenizer->token_text(TokenId{row}), "");
    EXPECT_EQ(tokenizer->token_type(TokenId{row}), TokenType::undefined);
    EXPECT_FALSE(tokenizer->is_end_of_generation(TokenId{row}));
  }
}

TEST(Roles, IdsOutsideTheVocabularyAreIgnoredWithAWarning) {
  SmallVocabulary v = byte_vocabulary();
  v.special.bos = 270;
  v.special.padding = -1;
  const auto tokenizer = make_tokenizer(v);
  ASSERT_TRUE(tokenizer);
  EXPECT_FALSE(tokenizer->bos().has_value());
  ASSERT_EQ(tokenizer->warnings().size(), 2u);
  EXPECT_NE(tokenizer->warnings()[0].find("270"), std::string::npos);
}

TEST(Roles, AreFoundByTextWhereTheFileIsSilent) {
  SmallVocabulary v = byte_vocabulary();
  v.special = {};
  const auto tokenizer = make_tokenizer(v);
  ASSERT_TRUE(tokenizer);
  EXPECT_FALSE(tokenizer->eos().has_value());
  ASSERT_TRUE(tokenizer->eot().has_value());
  EXPECT_EQ(tokenizer->token_text(*tokenizer->eot()), "<|im_end|>");
}

TEST(Roles, EndTokensArePrintedAsControlEvenIfWrittenAsText) {
  SmallVocabulary v = byte_vocabulary();
  const TokenId turn{v.add("<end_of_turn>")};
  const auto tokenizer = make_tokenizer(v);
  ASSERT_TRUE(tokenizer);
  EXPECT_TRUE(tokenizer->is_end_of_generation(turn));
  EXPECT_EQ(tokenizer->piece(turn), "");
  EXPECT_EQ(tokenizer->token_type(turn), TokenType::control);
}

TEST(Roles, TheEndSetHoldsEveryNamedAndKnownEnd) {
  SmallVocabulary v = byte_vocabulary();
  const int32_t eom = v.add("my end", TokenType::control);
  v.special.eom = eom;
  const auto tokenizer = make_tokenizer(v);
  ASSERT_TRUE(tokenizer);
  std::vector<std::string_view> texts;
  for (const TokenId id : tokenizer->end_of_generation_ids())
    texts.push_back(tokenizer->token_text(id));
  EXPECT_EQ(texts, (std::vector<std::string_view>{"<|endoftext|>", "<|im_end|>", "my end"}));
}

TEST(Roles, ChannelsDoNotEndWhereTurnsEndOtherwise) {
  SmallVocabulary v = byte_vocabulary();
  const TokenId end{v.add("<|end|>", TokenType::control)};
  EXPECT_TRUE(make_tokenizer(v)->is_end_of_generation(end));
  v.add("<|return|>", TokenType::control);
  v.add("<|call|>", TokenType::control);
  const TokenId channel{v.add("<|channel|>", TokenType::control)};
  const auto tokenizer = make_tokenizer(v);
  EXPECT_FALSE(tokenizer->is_end_of_generation(end));
  EXPECT_EQ(tokenizer->piece(end), "<|end|>");
  EXPECT_EQ(tokenizer->piece(channel), "<|channel|>");
  // What is printed does not change what text may say: both stay control when text is read.
  EXPECT_EQ(tokenizer->encode("<|end|>", {.add_special = false}).size(), 7u);
}

TEST(Roles, ASentenceEndIsTextWhereToolsAnswer) {
  SmallVocabulary v = sentence_vocabulary();
  v.special.eos = v.add("<turn|>", TokenType::control);
  EXPECT_TRUE(make_tokenizer(v)->is_end_of_generation(TokenId{2}));
  v.add("<|tool_response>", TokenType::user_defined);
  EXPECT_FALSE(make_tokenizer(v)->is_end_of_generation(TokenId{2}));
}

TEST(Roles, UnusedControlTokensPrintNothing) {
  SmallVocabulary v = byte_vocabulary();
  const TokenId unused{v.add("<unused7>", TokenType::control)};
  EXPECT_EQ(make_tokenizer(v)->piece(unused, true), "");
}

}  // namespace
}  // namespace troika::text
