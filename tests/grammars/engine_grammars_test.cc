// Grammars in the engine: what they allow is all that is written, and neither drafts nor neighbours
// nor being set aside change a token of it.
#include <map>

#include "answers/answer.h"
#include "engine/model_drafter.h"
#include "same_bits/crowd.h"
#include "text/grammar/token_grammar.h"

namespace troika::testing {
namespace {

// Tokens are a small letter and a capital one (bytes_of()).
constexpr const char* kWords = "root ::= ([a-m] [A-Z]){3,30} [n-z] [A-Z]";
constexpr const char* kLong = "root ::= (\"a\" [A-Z] | [b-y] [A-Z] \"z\" [A-Z])*";
constexpr const char* kForced = "root ::= \"aAbAcAdAeA\" [a-z] \"A\" root | \"zA\"";

class GrammarTest : public AnswerTest {
 protected:
  GrammarTest() { end_tokens_ = {TokenId{static_cast<int32_t>(vocab() - 1)}}; }

  std::shared_ptr<const GrammarVocabulary> vocabulary() const {
    std::vector<std::string> bytes;
    for (int32_t id = 0; id < vocab(); id++) bytes.push_back(bytes_of(TokenId{id}));
    return GrammarVocabulary::make(std::move(bytes), end_tokens_);
  }

  std::shared_ptr<const TokenGrammar> grammar(std::string_view gbnf,
                                              const GrammarOptions& options = {}) const {
    auto made = compile_gbnf(gbnf, vocabulary(), options);
    EXPECT_TRUE(made.ok()) << made.error().message();
    return *made;
  }

  Request with(std::shared_ptr<const TokenGrammar> grammar, bool sampled, int first = 3) const {
    Request r = request(first, 20, 60);
    r.grammar = std::move(grammar);
    r.sampling = {.seed = 5, .temperature = sampled ? 1.1 : 0.0};
    if (sampled) r.sampling.repeat_penalty = 1.1;
    return r;
  }

  /// Whether the grammar allows `answer`, and its end where it says that it ended.
  static bool allows(const std::shared_ptr<const TokenGrammar>& grammar, const Answer& answer) {
    GrammarState state(grammar);
    for (const TokenId token : answer.tokens)
      if (!state.accept(token)) return false;
    return true;
  }
};

TEST_F(GrammarTest, DraftsChangeNothing) {
  for (const char* gbnf : {kWords, kLong, kForced})
    for (const bool sampled : {false, true}) {
      const auto g = grammar(gbnf);
      const Answer answer = same_with_drafts(with(g, sampled));
      EXPECT_TRUE(allows(g, answer)) << gbnf;
      EXPECT_GT(answer.text.size(), 1U);
      if (answer.finish == FinishReason::stop) {
        EXPECT_EQ(answer.tokens.back(), end_tokens_.front());
      }
    }
}

TEST_F(GrammarTest, OtherLogitsAreWhatTheyWereWithoutIt) {
  Request r = with(grammar("root ::= ([a-z] [A-Z])*"), true);  // allows all
  const Answer held = same_with_drafts(r);
  r.grammar = nullptr;
  EXPECT_TRUE(held == same_with_drafts(r));
}

TEST_F(GrammarTest, FreeTextComesFirst) {
  const auto e = engine(kOptions);
  Request free = with(nullptr, true);
  const Answer without = answer_to(*e, free);
  ASSERT_GT(without.text.size(), 40U);
  const std::string marker = without.text.substr(19, 3);  // inside of a token
  free.grammar = grammar("root ::= [A-Z]? \"aA\" \"bA\"", {.before = {{.markers = {marker}}}});
  const Answer answer = same_with_drafts(free);
  const size_t at = answer.text.find(marker);
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(answer.text.substr(0, at), without.text.substr(0, at));
  EXPECT_TRUE(answer.text.ends_with("aAbA")) << answer.text;
  EXPECT_EQ(answer.finish, FinishReason::stop);
}

TEST_F(GrammarTest, ItEndsWhereNoTokenGoesOn) {
  const auto stuck = same_with_drafts(with(grammar("root ::= \"aAbA\" \"?\""), true));
  EXPECT_EQ(stuck.text, "aAbA");
  EXPECT_EQ(stuck.finish, FinishReason::no_token);
  Request none = with(grammar("root ::= \"?\""), false);
  EXPECT_EQ(same_with_drafts(none).finish, FinishReason::no_token);
  // Its end is the end of the text, also where end tokens are not to be chosen.
  Request r = with(grammar("root ::= \"aAbA\""), true);
  r.sampling.ignore_eos = true;
  const Answer answer = same_with_drafts(r);
  EXPECT_EQ(answer.text, "aAbA");
  EXPECT_EQ(answer.tokens.size(), 2U);
  EXPECT_EQ(answer.finish, FinishReason::stop);
}

TEST_F(GrammarTest, NeighboursAndRestsChangeNothing) {
  EngineOptions options = kOptions;
  std::vector<CrowdText> texts;
  const auto alone = engine(options);
  for (int i = 0; i < 6; i++) {
    CrowdText text;
    const char* const grammars[] = {kWords, kLong, kForced};
    text.request = with(i < 5 ? grammar(grammars[i % 3]) : nullptr, i % 2 == 0, 3 + i);
    text.request.speculation = {.type = SpecType::none, .depth_max = 0};
    text.alone = write_text(*alone, text.request);
    const SpecType types[] = {SpecType::mtp, SpecType::ngram, SpecType::combined};
    if (i != 4) text.request.speculation = {.type = types[i % 3], .depth_max = 4, .ngram_min = 1};
    texts.push_back(std::move(text));
  }
  options.sequences_max = 3;
  options.cache = {.on = true, .pages = 16};
  const auto shared = engine(options);
  Crowd crowd(*shared, texts, {.at_once = 5, .texts = 24, .preempt_share = 0.1, .seed = 3});
  const CrowdCounts counts = crowd.run();
  EXPECT_EQ(counts.compared, 24);
  EXPECT_GT(counts.preempted, 0);
}

/// What tool calls are under "auto": free text in which a mark begins what is held to a grammar.
std::shared_ptr<const TokenGrammar> lazy(const std::shared_ptr<const GrammarVocabulary>& vocabulary,
                                         const std::string& mark) {
  grammar::Grammar g;
  const auto one = g.sequence({g.free_text({mark}, true), g.literal("aAbA"),
                               g.repeat(g.set({{'c', 'm'}, {'A', 'Z'}}), 2, 2), g.literal("zA")});
  g.set_root(g.repeat(one, 0, grammar::kUnbounded));
  auto made = compile_grammar(std::move(g), vocabulary);
  EXPECT_TRUE(made.ok()) << made.error().message();
  return *made;
}

// A draft model, the text's own words, the model's head, all together: alone, and beside others
// that come, go and are set aside.
TEST_F(GrammarTest, NoDrafterAndNoRestChangesAByte) {
  EngineOptions options = kOptions;
  options.draft_model = &model_.loaded;
  options.draft_tokens_max = 8;
  const auto alone = engine(options);
  const std::string text = answer_to(*alone, with(nullptr, true)).text;
  ASSERT_GT(text.size(), 20U);
  std::vector<std::shared_ptr<const TokenGrammar>> grammars;
  for (const char* gbnf : {kWords, kLong, kForced}) grammars.push_back(grammar(gbnf));
  grammars.push_back(lazy(vocabulary(), text.substr(10, 2)));
  std::vector<CrowdText> texts;
  std::map<SpecType, int64_t> accepted;
  for (size_t i = 0; i < 2 * grammars.size(); i++) {
    CrowdText one{.request = with(grammars[i / 2], i % 2 == 0)};
    const Answer plain = answer_to(*alone, one.request);
    one.alone = write_text(*alone, one.request);
    for (const SpecType type :
         {SpecType::model, SpecType::ngram, SpecType::mtp, SpecType::combined}) {
      one.request.speculation = {.type = type, .depth_max = 4, .ngram_min = 1};
      const Answer answer = answer_to(*alone, one.request);
      EXPECT_TRUE(answer == plain) << "grammar " << i / 2 << ", type " << static_cast<int>(type);
      EXPECT_TRUE(allows(grammars[i / 2], answer)) << answer.text;
      accepted[type] += answer.accepted;
      texts.push_back(one);
    }
  }
  for (const auto& [type, count] : accepted) EXPECT_GT(count, 0) << static_cast<int>(type);
  options.sequences_max = 3;
  options.cache = {.on = true, .pages = 24};
  const auto shared = engine(options);
  Crowd crowd(*shared, texts, {.at_once = 6, .texts = 40, .preempt_share = 0.15, .seed = 11});
  const CrowdCounts counts = crowd.run();
  EXPECT_EQ(counts.compared, 40);
  EXPECT_GT(counts.preempted, 3);
}

TEST_F(GrammarTest, OneForAnotherVocabularyIsRefused) {
  const auto other = compile_gbnf("root ::= \"a\"", GrammarVocabulary::make({{"a"}}, {}));
  const auto e = engine(kOptions);
  const auto refused = e->submit(with(*other, false));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("the grammar is for 1 tokens"), std::string::npos);
}

}  // namespace
}  // namespace troika::testing
