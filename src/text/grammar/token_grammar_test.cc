#include "text/grammar/token_grammar.h"

#include <gtest/gtest.h>

#include <thread>

#include "support/grammar_texts.h"

namespace troika::testing {
namespace {

std::shared_ptr<const TokenGrammar> compiled(std::string_view gbnf,
                                             std::shared_ptr<const GrammarVocabulary> vocabulary,
                                             const GrammarOptions& options = {}) {
  const auto grammar = compile_gbnf(gbnf, std::move(vocabulary), options);
  EXPECT_TRUE(grammar.ok()) << grammar.error().message();
  return *grammar;
}

TEST(TokenGrammar, TokensOfManyBytes) {
  const auto vocabulary = byte_vocabulary({"yes", "ye", "yes!", "s", "n", "es", "\xC3", ""});
  const auto grammar = compiled("root ::= \"yes\" | \"\xC3\xA4\"", vocabulary);
  GrammarState state(grammar);
  const std::vector<TokenId> first = {byte_token('y'), TokenId{0xC3}, TokenId{258}, TokenId{259},
                                      TokenId{264}};
  EXPECT_EQ(tokens_of(*state.allowed()), first);
  GrammarState copy = state;
  EXPECT_TRUE(state.accept(TokenId{259}));
  EXPECT_EQ(tokens_of(*state.allowed()), (std::vector{byte_token('s'), TokenId{261}}));
  EXPECT_FALSE(state.can_end());
  EXPECT_TRUE(state.accept(TokenId{261}));
  EXPECT_EQ(tokens_of(*state.allowed()), std::vector{kEndToken});
  EXPECT_TRUE(state.accept(kEndToken));
  EXPECT_TRUE(tokens_of(*state.allowed()).empty());
  EXPECT_FALSE(state.accept(kEndToken));
  // A copy went its own way.
  EXPECT_EQ(tokens_of(*copy.allowed()), first);
  EXPECT_FALSE(copy.accept(TokenId{260}));
  EXPECT_FALSE(copy.accept(TokenId{258}));
}

TEST(TokenGrammar, DraftsUpToWhatIsForbidden) {
  const GrammarState state(compiled("root ::= \"a\"{3}", byte_vocabulary()));
  const TokenId a = byte_token('a'), b = byte_token('b');
  EXPECT_EQ(state.accepted(std::vector{a, b, a}), 1U);
  EXPECT_EQ(state.accepted(std::vector{a, a, a, kEndToken, a}), 4U);
  EXPECT_EQ(state.accepted(std::vector{a, kEndToken}), 1U);
  EXPECT_EQ(state.accepted(std::vector{TokenId{-1}}), 0U);
  EXPECT_EQ(state.accepted(std::vector{TokenId{100000}}), 0U);
  EXPECT_EQ(state.accepted({}), 0U);
}

TEST(TokenGrammar, FreeTextBeforeIt) {
  const auto vocabulary = byte_vocabulary({"<call>", "l>{", "l>x", "call"});
  const GrammarOptions options{.before = {{.markers = {"<call>"}}}};
  const auto grammar = compiled("root ::= \"{}\"", vocabulary, options);
  for (const char* text : {"", "hello", "<cal", "a<call>{}", "<call<call>{}"})
    EXPECT_TRUE(matches(grammar, text)) << text;
  EXPECT_FALSE(matches(grammar, "<call>"));
  EXPECT_FALSE(begins(grammar, "x<call>y"));
  GrammarState state(grammar);
  EXPECT_TRUE(has_bit(*state.allowed(), kSilentToken));
  EXPECT_TRUE(state.accept(kSilentToken));
  for (const char c : std::string_view("<cal")) EXPECT_TRUE(state.accept(byte_token(c)));
  EXPECT_TRUE(state.accept(kSilentToken));
  EXPECT_TRUE(has_bit(*state.allowed(), TokenId{259}));   // l>{
  EXPECT_FALSE(has_bit(*state.allowed(), TokenId{260}));  // l>x
  EXPECT_TRUE(has_bit(*state.allowed(), TokenId{261}));   // call
  EXPECT_TRUE(state.accept(TokenId{259}));
  EXPECT_FALSE(state.can_end());
  EXPECT_FALSE(has_bit(*state.allowed(), kSilentToken));
  EXPECT_TRUE(state.accept(byte_token('}')));
  EXPECT_TRUE(state.can_end());
}

TEST(TokenGrammar, StagesOfFreeText) {
  const GrammarOptions options{
      .before = {{.markers = {"</think>"}, .may_end = false, .line_breaks_after = true},
                 {.markers = {"[A]", "[AB]", "B"}}}};
  const auto grammar = compiled("root ::= \"1\"", byte_vocabulary(), options);
  for (const char* text : {"</think>", "x[A]</think>\n\nhm", "</think>[A]1", "</think>x[AB1"})
    EXPECT_TRUE(matches(grammar, text)) << text;
  for (const char* text : {"", "x", "[A]1", "</think>[A]", "</think>[A]2"})
    EXPECT_FALSE(matches(grammar, text)) << text;
}

TEST(TokenGrammar, MarkersThatCannotBeAreRefused) {
  for (const std::vector<std::string>& markers :
       {std::vector<std::string>{}, {""}, {std::string(300, 'x')}}) {
    const auto grammar =
        compile_gbnf("root ::= \"a\"", byte_vocabulary(), {.before = {{.markers = markers}}});
    EXPECT_FALSE(grammar.ok());
  }
}

/// Random bytes of what is allowed, token by token.
std::string random_text(const std::shared_ptr<const TokenGrammar>& grammar, uint32_t seed,
                        int64_t tokens_max) {
  std::mt19937 random(seed);
  GrammarState state(grammar);
  std::string text;
  for (int64_t i = 0; i < tokens_max; i++) {
    const std::vector<TokenId> tokens = tokens_of(*state.allowed());
    if (tokens.empty()) ADD_FAILURE() << "stuck after " << text;
    if (tokens.empty() || tokens.back() == kEndToken) break;
    const TokenId token = tokens[random() % tokens.size()];
    if (token == kEndToken) break;
    EXPECT_TRUE(state.accept(token));
    text += grammar->vocabulary().bytes(token);
  }
  return text;
}

constexpr const char* kAmbiguous =  // every way of reading it is open until it ends
    "root ::= a\na ::= \"x\" a b | \"x\" a c | \"x\" a a \"e\" | \"y\"\nb ::= \"z\"+\nc ::= \"z\"+ "
    "\"w\"?";

TEST(TokenGrammar, HostileGrammarsTakeBoundedMemory) {
  std::vector<std::string> words;
  for (int i = 0; i < 3000; i++) words.push_back(std::string(1 + i % 40, 'x') + std::to_string(i));
  const auto grammar = compiled(kAmbiguous, byte_vocabulary(words));
  for (uint32_t seed = 0; seed < 3; seed++) {
    (void)random_text(grammar, seed, 100);
    EXPECT_LE(grammar->memory_bytes(), TokenGrammar::kMemoryBytesMax + (4 << 20));
  }
}

TEST(TokenGrammar, WhatWasAskedBeforeChangesNothing) {
  // The same text alone and after others, which leave the memory in another order.
  const auto fresh = compiled(kAmbiguous, byte_vocabulary());
  const auto used = compiled(kAmbiguous, byte_vocabulary());
  for (uint32_t seed = 10; seed < 20; seed++) (void)random_text(used, seed, 40);
  GrammarState a(fresh), b(used);
  for (const char c : std::string_view("xxxxxxxxxxyzzzzwz")) {
    EXPECT_EQ(*a.allowed(), *b.allowed());
    EXPECT_EQ(a.accept(byte_token(c)), b.accept(byte_token(c)));
  }
  EXPECT_EQ(*a.allowed(), *b.allowed());
}

TEST(TokenGrammar, ManyThreadsShareOne) {
  const auto grammar =
      *compile_json_object(byte_vocabulary({"{\"", "\": ", "\", \"", "null", "true"}));
  std::vector<std::string> alone, together(8);
  for (uint32_t i = 0; i < 8; i++) alone.push_back(random_text(grammar, i, 60));
  const auto shared =
      *compile_json_object(byte_vocabulary({"{\"", "\": ", "\", \"", "null", "true"}));
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < 8; i++)
    threads.emplace_back([&, i] { together[i] = random_text(shared, i, 60); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(alone, together);
}

TEST(GrammarVocabulary, KnowsEqualBytesAndEnds) {
  const auto vocabulary = byte_vocabulary({"a", "ab", "a"});
  EXPECT_EQ(vocabulary->tokens(), 261);
  const GrammarState state(compiled("root ::= \"a\"", vocabulary));
  EXPECT_EQ(tokens_of(*state.allowed()),
            (std::vector{byte_token('a'), TokenId{258}, TokenId{260}}));
  EXPECT_TRUE(vocabulary->ends_text(kEndToken));
  EXPECT_FALSE(vocabulary->ends_text(TokenId{-1}));
  EXPECT_FALSE(vocabulary->find("a"));
}

}  // namespace
}  // namespace troika::testing
