#include "text/grammar/gbnf.h"

#include <gtest/gtest.h>

#include "support/grammar_texts.h"
#include "text/utf8.h"

namespace troika::testing {
namespace {

std::shared_ptr<const TokenGrammar> compiled(std::string_view text) {
  const auto grammar = compile_gbnf(text, byte_vocabulary({"yes", "no", "yesno", "\xC3"}));
  EXPECT_TRUE(grammar.ok()) << grammar.error().message();
  return grammar.ok() ? *grammar : nullptr;
}

std::string refusal(std::string_view text) {
  const auto grammar = compile_gbnf(text, byte_vocabulary());
  return grammar.ok() ? "accepted" : grammar.error().message();
}

struct Case {
  const char* grammar;
  std::vector<const char*> good, bad;
};

TEST(Gbnf, TextsMatch) {
  const Case cases[] = {
      {"root ::= \"yes\" | \"no\"", {"yes", "no"}, {"", "y", "yesno", "n", "maybe"}},
      {"root ::= \"a\"* \"b\"+ \"c\"?", {"b", "aab", "bbc"}, {"", "a", "bcc", "ac"}},
      {"root ::= \"ab\"{2} \"c\"{1,} \"d\"{0,2}",
       {"ababc", "ababccdd"},
       {"abc", "abab", "ababcddd"}},
      {"root ::= [a-c-] [^x\\n] .", {"aqq", "-a\n", "b\xC3\xA4z"}, {"dqq", "axq", "a\nq", "aq"}},
      {"root ::= a | b  # why\na ::= \"1\" root?\nb ::= \"2\"", {"1", "12", "1112"}, {"21", ""}},
      {"root ::= (\"a\" |\n \"b\")\n", {"a", "b"}, {"ab"}},
      {"root ::= \"a\"\n  | \"b\"\n", {"a", "b"}, {"ab"}},
      {"root ::=\n  \"a\"\n", {"a"}, {""}},
      {"root ::= | \"a\"", {"", "a"}, {"aa"}},
      {"root ::= \"\\x41\\u00e4\\U0001F600\\t\\\"\\\\\\[\"",
       {"A\xC3\xA4\xF0\x9F\x98\x80\t\"\\["},
       {"A"}},
      {"root ::= [\\u00e4-\\u00f6]", {"\xC3\xA4", "\xC3\xB6"}, {"\xC3\xB7", "a"}},
      {"root ::= \"(\" root \")\" | \"x\"", {"x", "((x))"}, {"(x", "x)"}},
      {"root ::= (\"a\"? \"b\"?)* \"c\"", {"c", "abbac"}, {"ab"}},
  };
  for (const Case& c : cases) {
    const auto grammar = compiled(c.grammar);
    ASSERT_NE(grammar, nullptr) << c.grammar;
    for (const char* text : c.good)
      EXPECT_TRUE(matches(grammar, text)) << c.grammar << ": " << text;
    for (const char* text : c.bad)
      EXPECT_FALSE(matches(grammar, text)) << c.grammar << ": " << text;
  }
}

TEST(Gbnf, AnyCharacterIsOneInUtf8) {
  const auto grammar = compiled("root ::= .");
  for (const char* text : {"a", "\n", "\xC2\x80", "\xEF\xBF\xBD", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(matches(grammar, text));
  for (const char* text : {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80"})
    EXPECT_FALSE(begins(grammar, text));
  EXPECT_TRUE(begins(grammar, "\xF0\x9F"));
  EXPECT_FALSE(matches(grammar, "\xF0\x9F"));
}

TEST(Gbnf, TokensAsAWhole) {
  // 258 is "yes", 259 "no", 260 "yesno".
  const auto grammar = compiled("root ::= <[258]> !<[258]> \"no\"");
  GrammarState state(grammar);
  EXPECT_EQ(tokens_of(*state.allowed()), std::vector{TokenId{258}});
  EXPECT_FALSE(GrammarState(grammar).accept(TokenId{260}));
  EXPECT_TRUE(state.accept(TokenId{258}));
  EXPECT_FALSE(has_bit(*state.allowed(), TokenId{258}));
  EXPECT_FALSE(has_bit(*state.allowed(), kEndToken));
  EXPECT_TRUE(has_bit(*state.allowed(), kSilentToken));
  EXPECT_TRUE(state.accept(TokenId{260}));
  EXPECT_TRUE(state.accept(TokenId{259}));
  EXPECT_TRUE(state.can_end());
}

TEST(Gbnf, WhatIsWrongIsNamed) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "no rule \"root\""},
      {"root ::= x", "\"x\" is used and not defined"},
      {"root ::= \"a", "line 1, column 12: it ends"},
      {"root ::= \"a\"\n\nroot ::= \"b\"", "line 3, column 10: the rule \"root\" is defined twice"},
      {"root := \"a\"", "wanted \"::=\""},
      {"root ::= \"a\" )", "wanted the end of the rule"},
      {"root ::= (\"a\"", "wanted \")\""},
      {"root ::= \"a\"{3,2}", "3 to 2 repetitions"},
      {"root ::= \"a\"{2001}", "2001 repetitions"},
      {"root ::= (\"a\"{50}){50}", "2500 in all"},
      {"root ::= [z-a]", "the other way round"},
      {"root ::= \"\\q\"", "wanted an escape"},
      {"root ::= \"\\uD8\"", "4 hexadecimal digits"},
      {"root ::= \"\\UFFFFFFFF\"", "no character"},
      {"root ::= <[9999]>", "a token of the vocabulary"},
      {"root ::= <[256]>", "does not end the text"},
      {"root ::= root \"a\" | \"b\"", "\"root\" begins with itself"},
      {"root ::= a \"x\" | \"z\"\na ::= b? root\nb ::= \"y\"", "begins with itself"},
      {"root ::= a? root \"x\" | \"b\"\na ::= \"y\"", "begins with itself"},
      {"root ::= \"a\" root", "no finite text"},
      {"root ::= []", "no finite text"},
      {"root ::= " + std::string(300, '(') + "\"a\"", "parentheses"},
  };
  for (const auto& [grammar, message] : cases)
    EXPECT_NE(refusal(grammar).find(message), std::string::npos)
        << grammar << "\n  " << refusal(grammar);
}

TEST(Gbnf, WhatIsTooLargeIsRefused) {
  std::string large;
  for (int i = 0; i < 10; i++)
    large += fmt::format("r{} ::= (\"{}\" | [{}-z]){{2000}} \"x\"\n", i, std::string(60, 'q'), 'a');
  std::string root = "root ::= ";
  for (int i = 0; i < 400; i++) root += fmt::format("(r{} \"0\"){{1500}} ", i % 10);
  EXPECT_NE(refusal(root + "\n" + large).find("too large"), std::string::npos);
  std::string deep = "root ::= r0 \"x\"\n";
  for (int i = 0; i < 300; i++) deep += fmt::format("r{} ::= r{} \"y\"\n", i, i + 1);
  EXPECT_NE(refusal(deep + "r300 ::= \"z\"\n").find("inside of each other"), std::string::npos);
}

TEST(Gbnf, TextsThatNestTooDeepAreCutNotStuck) {
  const auto grammar = compiled("root ::= \"(\" root \")\" | \"x\"");
  GrammarState state(grammar);
  int64_t depth = 0;
  while (has_bit(*state.allowed(), byte_token('('))) {
    ASSERT_TRUE(state.accept(byte_token('(')));
    ASSERT_LT(depth++, 1000);
  }
  EXPECT_GT(depth, 200);
  EXPECT_TRUE(state.accept(byte_token('x')));
  while (depth-- > 0) ASSERT_TRUE(state.accept(byte_token(')')));
  EXPECT_TRUE(state.can_end());
}

TEST(Gbnf, WhatEndsWithItselfNeedsNoDepth) {
  const auto grammar = compiled("root ::= \"a\" root | \"b\"");
  GrammarState state(grammar);
  for (int i = 0; i < 10000; i++) ASSERT_TRUE(state.accept(byte_token('a')));
  EXPECT_TRUE(state.accept(byte_token('b')));
  EXPECT_TRUE(state.can_end());
}

// A set of many ranges leads one way for each byte, however often it is repeated.
TEST(Gbnf, WideSetsAreTrees) {
  std::string set;
  for (uint32_t code = 0x4E00; code < 0x9E00; code += 2) text::append_utf8(set, code);
  const auto grammar = compile_gbnf("root ::= [" + set + "]{1000} \"a\"", byte_vocabulary());
  ASSERT_TRUE(grammar.ok()) << grammar.error().message();
  std::string text;
  for (int i = 0; i < 1000; i++) text::append_utf8(text, 0x4E00 + 2 * static_cast<uint32_t>(i));
  EXPECT_TRUE(matches(*grammar, text + "a"));
  EXPECT_FALSE(begins(*grammar, "\xE4\xB8\x81"));
  EXPECT_TRUE(begins(*grammar, "\xE4\xB8\x82"));
}

}  // namespace
}  // namespace troika::testing
