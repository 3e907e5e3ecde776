// Five hundred random schemas: whatever ends is valid, whoever chooses the tokens; and with the
// demo model's tokens nearly all end within a limit.
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "grammars/random_schema.h"
#include "support/devices.h"
#include "support/models.h"
#include "text/grammar/token_grammar.h"
#include "text/tokenizer.h"

namespace troika::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSchemas = 100;
#else
constexpr int kSchemas = 500;
#endif
constexpr int64_t kTokensMax = 600;  // of an answer
constexpr double kEndShare = 0.99;

std::filesystem::path demo_path() {
  return std::filesystem::path(TROIKA_SOURCE_DIR) / "models" / "troika-demo.gguf";
}

/// The text as JSON; fails the test where it is none.
Json parsed(const std::string& text, const Json& schema) {
  Json value = Json::parse(text, nullptr, false);
  EXPECT_FALSE(value.is_discarded()) << schema << "\n" << text;
  return value;
}

std::shared_ptr<const TokenGrammar> compiled(
    const Json& schema, const std::shared_ptr<const GrammarVocabulary>& vocabulary) {
  const auto grammar = compile_json_schema(schema.dump(), vocabulary);
  EXPECT_TRUE(grammar.ok()) << schema << "\n" << grammar.error().message();
  return grammar.ok() ? *grammar : nullptr;
}

/// Chooses among all allowed tokens alike; the text, or nothing if it did not end.
std::optional<std::string> random_text(const std::shared_ptr<const TokenGrammar>& grammar,
                                       std::mt19937& random) {
  GrammarState state(grammar);
  std::string text;
  for (int64_t i = 0; i < kTokensMax; i++) {
    const auto allowed = state.allowed();
    std::vector<TokenId> tokens;
    for (int32_t id = 0; id < grammar->vocabulary().tokens(); id++)
      if (has_bit(*allowed, TokenId{id})) tokens.push_back(TokenId{id});
    EXPECT_FALSE(tokens.empty()) << text;
    if (tokens.empty()) return std::nullopt;
    const TokenId token = tokens[random() % tokens.size()];
    EXPECT_TRUE(state.accept(token));
    if (grammar->vocabulary().ends_text(token)) return text;
    text += grammar->vocabulary().bytes(token);
  }
  return std::nullopt;
}

TEST(RandomSchemas, AnyChoiceOfTokensIsValid) {
  const auto file = gguf::File::open(demo_path());
  ASSERT_TRUE(file.ok());
  const auto tokenizer = Tokenizer::load(file->metadata());
  ASSERT_TRUE(tokenizer.ok());
  const auto vocabulary = GrammarVocabulary::make(**tokenizer);
  RandomSchemas schemas(1);
  std::mt19937 random(2);
  int ended = 0;
  for (int i = 0; i < kSchemas; i++) {
    const Json schema = schemas.next();
    const auto grammar = compiled(schema, vocabulary);
    ASSERT_NE(grammar, nullptr);
    const std::optional<std::string> text = random_text(grammar, random);
    if (!text) continue;
    ended++;
    ASSERT_TRUE(Validator(schema).valid(parsed(*text, schema))) << schema << "\n" << *text;
  }
  EXPECT_GE(ended, kEndShare * kSchemas);
}

NamedDevice fast_device() {
  for (const NamedDevice& device : same_bits_devices())
    if (device.fast) return device;
  return same_bits_devices().front();
}

class DemoSchemas : public ::testing::Test {
 protected:
  DemoSchemas()
      : device_(fast_device().make(2)),
        model_(open_model(demo_path(), *device_)),
        tokenizer_(std::move(*Tokenizer::load(model_.file->metadata()))),
        vocabulary_(GrammarVocabulary::make(*tokenizer_)) {
    auto made =
        Engine::make(model_.loaded, {.context = 1024, .sequences_max = 4, .draft_tokens_max = 4},
                     {.tokens = tokenizer_->vocab(),
                      .end_tokens = tokenizer_->end_of_generation_ids(),
                      .bytes = [this](TokenId id) { return tokenizer_->piece(id); }});
    EXPECT_TRUE(made.ok());
    engine_ = std::move(*made);
  }

  struct Text {
    std::string text;
    std::vector<TokenId> tokens;
    FinishReason finish = FinishReason::none;
    int64_t accepted = 0;
  };

  /// Writes one text under each grammar, several at a time.
  std::vector<Text> write(const std::vector<std::shared_ptr<const TokenGrammar>>& grammars,
                          const SpeculationOptions& speculation) {
    std::vector<Text> texts(grammars.size());
    std::vector<SeqId> ids;
    for (size_t i = 0; i < grammars.size(); i++) {
      Request r{
          .prompt = tokenizer_->encode("<|im_start|>user\nExtract name, job and city as JSON: "
                                       "Kira Kowalski works as a driver in Athens.<|im_end|>\n"
                                       "<|im_start|>assistant\n",
                                       {.parse_special = true}),
          .tokens_max = kTokensMax,
          .sampling = {.seed = i, .temperature = i % 4 == 0 ? 0.0 : 0.8},
          .grammar = grammars[i],
          .speculation = speculation};
      r.on_text = [&text = texts[i].text](std::string_view delta) { text += delta; };
      const auto id = engine_->submit(std::move(r));
      EXPECT_TRUE(id.ok()) << id.error().message();
      ids.push_back(*id);
    }
    for (Result<bool> more = true; more.ok() && *more;) {
      more = engine_->step();
      EXPECT_TRUE(more.ok()) << more.error().message();
    }
    for (size_t i = 0; i < ids.size(); i++) {
      const Sequence& s = engine_->sequence(ids[i]);
      texts[i].tokens.assign(s.tokens.begin() + s.prompt_tokens, s.tokens.end());
      texts[i].finish = s.finish;
      texts[i].accepted = s.drafts.accepted;
      engine_->release(ids[i]);
    }
    return texts;
  }

  std::unique_ptr<Device> device_;
  OpenModel model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::shared_ptr<const GrammarVocabulary> vocabulary_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(DemoSchemas, WhatTheModelEndsIsValidAndItEnds) {
  RandomSchemas schemas(3);
  std::vector<Json> asked;
  std::vector<std::shared_ptr<const TokenGrammar>> grammars;
  for (int i = 0; i < kSchemas; i++) {
    asked.push_back(schemas.next());
    grammars.push_back(compiled(asked.back(), vocabulary_));
  }
  const auto texts = write(grammars, {.type = SpecType::mtp, .depth_max = 2});
  int ended = 0;
  int64_t accepted = 0;
  for (size_t i = 0; i < texts.size(); i++) {
    accepted += texts[i].accepted;
    ASSERT_NE(texts[i].finish, FinishReason::no_token) << asked[i] << "\n" << texts[i].text;
    if (texts[i].finish != FinishReason::stop) continue;
    ended++;
    ASSERT_TRUE(Validator(asked[i]).valid(parsed(texts[i].text, asked[i]))) << asked[i] << "\n"
                                                                            << texts[i].text;
  }
  EXPECT_GE(ended, kEndShare * kSchemas);
  EXPECT_GT(accepted, 0);
  RecordProperty("ended", ended);
}

TEST_F(DemoSchemas, DraftsChangeNothing) {
  RandomSchemas schemas(4);
  std::vector<std::shared_ptr<const TokenGrammar>> grammars;
  for (int i = 0; i < 24; i++) grammars.push_back(compiled(schemas.next(), vocabulary_));
  grammars.push_back(*compile_json_object(vocabulary_));
  const auto plain = write(grammars, {.type = SpecType::none, .depth_max = 0});
  for (const SpecType type :
       {SpecType::mtp, SpecType::ngram, SpecType::combined, SpecType::automatic}) {
    const auto drafted = write(grammars, {.type = type, .depth_max = 4, .ngram_min = 1});
    for (size_t i = 0; i < plain.size(); i++)
      EXPECT_EQ(drafted[i].tokens, plain[i].tokens) << i << ", type " << static_cast<int>(type);
  }
}

}  // namespace
}  // namespace troika::testing
