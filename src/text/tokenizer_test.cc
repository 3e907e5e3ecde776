#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <thread>

#include "tokenizers/small_vocabulary.h"

namespace troika {
namespace {

using testing::byte_vocabulary;
using testing::make_tokenizer;
using testing::sentence_vocabulary;
using testing::SmallVocabulary;
using Texts = std::vector<std::string>;

constexpr EncodeOptions kPlain{.add_special = false, .parse_special = false};
constexpr EncodeOptions kParsed{.add_special = false, .parse_special = true};

// The ids as the texts of their tokens, which is easier to read.
Texts texts(const Tokenizer& tokenizer, std::string_view text, EncodeOptions options = kPlain) {
  Texts tokens;
  for (const TokenId id : tokenizer.encode(text, options))
    tokens.emplace_back(tokenizer.token_text(id));
  return tokens;
}

Error refusal(const SmallVocabulary& vocabulary) {
  auto tokenizer = Tokenizer::make(vocabulary.spec());
  if (tokenizer.ok()) return Error(ErrorCode::internal, "was not refused");
  return tokenizer.error();
}

TEST(ByteBpe, MergesByRankInsideWords) {
  const auto t = make_tokenizer(byte_vocabulary());
  EXPECT_EQ(texts(*t, "hello world"), (Texts{"hello", "Ġworld"}));
  EXPECT_EQ(texts(*t, "hellold"), (Texts{"hello", "ld"}));
  EXPECT_EQ(texts(*t, "hell world"), (Texts{"hell", "Ġworld"}));
  EXPECT_EQ(texts(*t, "é\n"), (Texts{"Ã", "©", "Ċ"}));
  EXPECT_EQ(texts(*t, ""), Texts{});
  EXPECT_EQ(texts(*t, std::string_view("\0", 1)), (Texts{"Ā"}));
}

TEST(ByteBpe, ReplacesBrokenBytes) {
  const auto t = make_tokenizer(byte_vocabulary());
  EXPECT_EQ(t->decode(t->encode("a\xFFz", kPlain)), "a\xEF\xBF\xBDz");
  EXPECT_EQ(t->decode(t->encode("\xED\xA0\x80", kPlain)), "\xED\xA0\x80");
}

TEST(ByteBpe, AWholeTokenWinsWhereTheListSaysSo) {
  SmallVocabulary v = byte_vocabulary("qwen2");
  v.add("Ġwhole");  // no merges lead here
  EXPECT_EQ(texts(*make_tokenizer(v), " whole").size(), 5u);
  v.pre = "llama-bpe";
  EXPECT_EQ(texts(*make_tokenizer(v), " whole"), (Texts{"Ġwhole"}));
}

TEST(ByteBpe, ComposesForVocabulariesTrainedBehindIt) {
  SmallVocabulary v = byte_vocabulary("qwen2");
  EXPECT_EQ(texts(*make_tokenizer(v), "e\xCC\x81").size(), 3u);  // no token of a composed letter
  v.merge("Ã", "©");
  EXPECT_EQ(texts(*make_tokenizer(v), "e\xCC\x81"), (Texts{"Ã©"}));
  EXPECT_EQ(texts(*make_tokenizer(v), "<tool>\xCC\x81"), (Texts{"<tool>", "Ì", "ģ"}));
  v.pre = "gpt-2";
  EXPECT_EQ(texts(*make_tokenizer(v), "e\xCC\x81").size(), 3u);
}

TEST(ByteBpe, OddMergesDoNoHarm) {
  SmallVocabulary v = byte_vocabulary();
  v.merges.insert(v.merges.begin(),
                  {"", " ", "nospace", "a ", "x y", "é €", std::string(70000, 'z') + " z"});
  const auto t = make_tokenizer(v);
  EXPECT_EQ(texts(*t, "hello xy"),
            (Texts{"hello", "Ġ", "x", "y"}));  // "xy" is no token: falls apart
  EXPECT_EQ(t->decode(t->encode("any xyz text", kPlain)), "any xyz text");
}

TEST(ByteBpe, BytesWithoutATokenVanish) {
  SmallVocabulary v = byte_vocabulary();
  v.tokens[1] = "gone";
  const auto t = make_tokenizer(v);
  EXPECT_EQ(t->decode(t->encode("a\x01z", kPlain)), "az");
}

TEST(ByteBpe, TextNeverReachesControlTokens) {
  SmallVocabulary v = byte_vocabulary();
  v.merge("<", "q");
  v.types.back() = static_cast<int32_t>(TokenType::control);
  const auto t = make_tokenizer(v);
  EXPECT_EQ(texts(*t, "<q"), (Texts{"<", "q"}));
  EXPECT_EQ(texts(*t, "<q", kParsed), (Texts{"<q"}));
}

TEST(Specials, ControlTokensCountOnlyWhenParsed) {
  const auto t = make_tokenizer(byte_vocabulary());
  EXPECT_EQ(texts(*t, "<|im_start|>hello<|im_end|>", kParsed),
            (Texts{"<|im_start|>", "hello", "<|im_end|>"}));
  EXPECT_EQ(texts(*t, "<|im_end|>").size(), 10u);
  EXPECT_EQ(texts(*t, "hello<tool>hello"), (Texts{"hello", "<tool>", "hello"}));
  EXPECT_EQ(t->decode(t->encode("a<|im_end|><tool>z", kParsed), {.show_special = false}),
            "a<tool>z");
}

TEST(Specials, BosAndEosAsTheFileSays) {
  SmallVocabulary v = byte_vocabulary();
  TokenizerSpec spec = v.spec();
  EXPECT_EQ(texts(*Tokenizer::make(spec).value(), "hello", {.add_special = true}),
            (Texts{"hello"}));
  spec.add_bos = spec.add_eos = true;
  const auto t = std::move(Tokenizer::make(spec)).value();
  EXPECT_TRUE(t->adds_bos());
  EXPECT_TRUE(t->adds_eos());
  EXPECT_EQ(texts(*t, "hello", {.add_special = true}),
            (Texts{"<|endoftext|>", "hello", "<|im_end|>"}));
  EXPECT_EQ(texts(*t, "hello"), (Texts{"hello"}));
  v.pre = "llama-bpe";  // a list that puts BOS in front by itself
  EXPECT_EQ(texts(*make_tokenizer(v), "", {.add_special = true}), (Texts{"<|endoftext|>"}));
}

TEST(SentencePiece, MarksSpacesAndJoinsByScore) {
  const auto t = make_tokenizer(sentence_vocabulary());
  EXPECT_EQ(texts(*t, "hello world"), (Texts{"▁hello", "▁world"}));
  EXPECT_EQ(texts(*t, " hello"), (Texts{"▁", "▁hello"}));
  EXPECT_EQ(texts(*t, "é!"), (Texts{"▁", "é", "<0x21>"}));
  EXPECT_EQ(texts(*t, ""), Texts{});
  EXPECT_EQ(texts(*t, "\xFF"), (Texts{"▁", "<0xFF>"}));
  EXPECT_EQ(texts(*t, "hello", {.add_special = true}), (Texts{"<s>", "▁hello"}));
}

TEST(SentencePiece, EveryStretchOfTextGetsItsSpace) {
  SmallVocabulary v = sentence_vocabulary();
  EXPECT_EQ(texts(*make_tokenizer(v), "hello</s>hello", kParsed),
            (Texts{"▁hello", "</s>", "▁hello"}));
  TokenizerSpec spec = v.spec();
  spec.add_space_prefix = false;
  const auto t = std::move(Tokenizer::make(spec)).value();
  EXPECT_EQ(texts(*t, "hello"), (Texts{"hell", "o"}));
  EXPECT_EQ(t->decode(t->encode(" hello", kPlain)), " hello");
}

TEST(SentencePiece, DecodesWithoutTheSpaceItAdded) {
  const auto t = make_tokenizer(sentence_vocabulary());
  for (const std::string text : {"hello", " hello  world ", "é \xE4\xBD\xA0\xF0\x9F\x98\x80", "\n"})
    EXPECT_EQ(t->decode(t->encode(text, kPlain)), text);
}

// Tokens that go on past a space forbid merging word by word.
TEST(SentencePiece, TokensMaySpanSpaces) {
  SmallVocabulary v = sentence_vocabulary();
  v.add("o▁", TokenType::normal, 10);
  EXPECT_EQ(texts(*make_tokenizer(v), "hello world"), (Texts{"▁hell", "o▁", "w", "or", "ld"}));
}

TEST(SentencePiece, EatsSpaceAfterSpecialsForPhi3) {
  SmallVocabulary v = sentence_vocabulary();
  v.add("<|user|>", TokenType::user_defined);
  EXPECT_EQ(texts(*make_tokenizer(v), "<|user|> \n hello"),
            (Texts{"<|user|>", "▁", "▁", "<0x0A>", "▁hello"}));
  v.name = "My Phi-3 mini";
  EXPECT_EQ(texts(*make_tokenizer(v), "<|user|> \n hello"), (Texts{"<|user|>", "▁hello"}));
}

TEST(SentencePiece, RefusesBadScores) {
  SmallVocabulary v = sentence_vocabulary();
  v.scores.pop_back();
  EXPECT_NE(refusal(v).message().find("279 scores for 280"), std::string::npos)
      << refusal(v).message();
  v = sentence_vocabulary();
  v.scores[5] = std::nanf("");
  EXPECT_NE(refusal(v).message().find("token 5"), std::string::npos) << refusal(v).message();
}

TEST(SentencePiece, BytesWithoutATokenAreUnknownOrRefused) {
  SmallVocabulary v = sentence_vocabulary();
  v.tokens[3 + '!'] = "gone";
  v.types[3 + '!'] = static_cast<int32_t>(TokenType::normal);
  EXPECT_EQ(texts(*make_tokenizer(v), "!"), (Texts{"▁", "<unk>"}));
  v.special.unknown = 5000;
  EXPECT_EQ(refusal(v).code(), ErrorCode::corrupt);
  EXPECT_NE(refusal(v).message().find("<0x21>"), std::string::npos) << refusal(v).message();
}

TEST(Refusals, NameWhatIsThereAndWhatIsSupported) {
  SmallVocabulary v = byte_vocabulary();
  v.model = "bert";
  EXPECT_EQ(refusal(v).code(), ErrorCode::unsupported);
  EXPECT_NE(refusal(v).message().find("\"bert\""), std::string::npos);
  EXPECT_NE(refusal(v).message().find("\"gpt2\""), std::string::npos);
  v = byte_vocabulary("shire\n");
  EXPECT_EQ(refusal(v).code(), ErrorCode::unsupported);
  EXPECT_NE(refusal(v).message().find("shire\\x0a"), std::string::npos) << refusal(v).message();
  EXPECT_NE(refusal(v).message().find("qwen35"), std::string::npos);
  v = byte_vocabulary();
  v.merges.clear();
  EXPECT_EQ(refusal(v).code(), ErrorCode::not_found);
}

TEST(Tokenizer, AMissingListIsDefaultWithAWarning) {
  const auto t = make_tokenizer(byte_vocabulary(""));
  ASSERT_EQ(t->warnings().size(), 1u);
  EXPECT_NE(t->warnings()[0].find("tokenizer.ggml.pre"), std::string::npos);
}

TEST(Tokenizer, CleansSpacesOnlyWhereItShould) {
  const auto clean = make_tokenizer(byte_vocabulary("gpt-2"));
  const auto ids = clean->encode("no , it 's ' x ' I 've . ok ?", kPlain);
  EXPECT_EQ(clean->decode(ids, {.clean_spaces = true}), "no, it's'x'I've. ok?");
  EXPECT_EQ(clean->decode(ids), "no , it 's ' x ' I 've . ok ?");
  const auto never = make_tokenizer(byte_vocabulary("qwen2"));
  EXPECT_EQ(never->decode(ids, {.clean_spaces = true}), "no , it 's ' x ' I 've . ok ?");
}

TEST(Tokenizer, WordsWithoutEndStayFast) {
  const std::string text(300000, 'l');
  const std::clock_t start = std::clock();
  for (const auto& v : {byte_vocabulary(), sentence_vocabulary()}) {
    const auto t = make_tokenizer(v);
    EXPECT_EQ(t->decode(t->encode(text, kPlain)), text);
  }
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 10);
}

TEST(Tokenizer, ManyThreadsMayEncodeAtOnce) {
  const auto t = make_tokenizer(byte_vocabulary());
  std::string text;
  for (int i = 0; i < 300; ++i) text += "hello world <tool> " + std::to_string(i);
  const auto wanted = t->encode(text);
  std::vector<std::vector<TokenId>> got(4);
  std::vector<std::thread> threads;
  for (auto& ids : got) threads.emplace_back([&] { ids = t->encode(text); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& ids : got) EXPECT_EQ(ids, wanted);
}

}  // namespace
}  // namespace troika
