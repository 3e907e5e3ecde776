// Errors and limits: what a template may not do, and that it is told so at once. What the language
// means is held by tests/chat_templates.
#include "text/jinja/template.h"

#include <gtest/gtest.h>

namespace troika::jinja {
namespace {

using Json = nlohmann::ordered_json;

Result<std::string> render(std::string_view source, const Json& variables = Json::object(),
                           const Limits& limits = {}) {
  const Result<Template> parsed = Template::parse(source);
  if (!parsed.ok()) return parsed.error();
  return parsed->render(variables, limits, {});
}

/// Expects an error of this kind whose message has `words` in it.
void expect_error(std::string_view source, ErrorCode code, std::string_view words,
                  const Json& variables = Json::object()) {
  const Result<std::string> text = render(source, variables);
  ASSERT_FALSE(text.ok()) << source << " gave " << text->substr(0, 100);
  EXPECT_EQ(text.error().code(), code) << source << ": " << text.error().message();
  EXPECT_NE(text.error().message().find(words), std::string::npos)
      << source << ": " << text.error().message();
}

std::string repeated(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; i++) result += text;
  return result;
}

TEST(Template, ParsesOnceAndRendersOften) {
  const Result<Template> parsed = Template::parse("{{ a }}{% set a = 2 %}{{ a }}");
  ASSERT_TRUE(parsed.ok());
  for (const int a : {1, 7}) {
    const auto text = parsed->render(Json{{"a", a}}, {}, {});
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(*text, std::to_string(a) + "2");
  }
}

TEST(Template, RefusesWhatIsNone) {
  for (const auto& [source, words] : std::vector<std::pair<std::string, std::string>>{
           {"a\n{% if x %}b", "line 2: 'if' without 'endif'"},
           {"{% for x in y %}", "'for' without 'endfor'"},
           {"{% macro f() %}", "'macro' without 'endmacro'"},
           {"{{ x", "a tag without }}"},
           {"\n\n{{ 1 +", "line 3"},
           {"{{ 1 + }}", "'}}', wanted an expression"},
           {"{% %}", "wanted the name of a tag"},
           {"{% frobnicate %}", "no tag 'frobnicate'"},
           {"{% endif %}", "no tag 'endif'"},
           {"{# x", "a comment without #}"},
           {"{{ 'x }}", "a string without its closing '"},
           {"{{ a ? b }}", "'?' means nothing"},
           {"{{ (1 }}", "closes nothing"},
           {"{{ 1) }}", "closes nothing"},
           {"{{ 99999999999999999999 }}", "out of range"},
           {"{% raw %}", "without {% endraw %}"},
           {"{% set 1 = 2 %}", "wanted a name"},
           {"{% set none = 2 %}", "cannot be assigned"},
           {"{% break %}", "outside of a loop"},
           {"{% for x in y %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}", "outside"},
           {"{% macro f(a=1, b) %}{% endmacro %}", "without a default"},
           {"{{ f(a=1, 2) }}", "behind one by name"},
           {"{% call f %}{% endcall %}", "wants the call of a macro"},
           {"{% if a %}{% else %}{% else %}{% endif %}", "no tag 'else'"},
           {"{{ x | }}", "wanted a name"},
           {"{{ x is }}", "wanted a name"}})
    expect_error(source, ErrorCode::corrupt, words);
}

TEST(Template, RefusesWhatNeedsOtherFiles) {
  expect_error("a\n{% include 'b' %}", ErrorCode::unsupported, "line 2: 'include'");
  expect_error("{% extends 'b' %}", ErrorCode::unsupported, "'extends'");
  expect_error("{% for x in y recursive %}{% endfor %}", ErrorCode::unsupported, "recursive");
  expect_error("{{ f(*x) }}", ErrorCode::unsupported, "'*' in a call");
}

TEST(Template, ErrorsNameLineAndThing) {
  for (const auto& [source, words] : std::vector<std::pair<std::string, std::string>>{
           {"\n{{ x.y }}", "line 2: 'x' is undefined"},
           {"{{ {}.a.b }}", "'dict object' has no attribute 'a'"},
           {"{{ [].startswith('a') }}", "'list object' has no attribute 'startswith'"},
           {"{{ 'a' + 1 }}", "can only concatenate str (not \"int\") to str"},
           {"{{ 'a' + [] }}", "(not \"list\")"},
           {"{{ 1 + 2 ~ 3 }}", "'+' between int and str"},
           {"{{ 1 + none }}", "'+' between int and NoneType"},
           {"{{ x + 1 }}", "'x' is undefined"},
           {"{{ 1 < 'a' }}", "'<' between int and str"},
           {"{{ 1 // 0 }}", "division by zero"},
           {"{{ 1.0 % 0 }}", "division by zero"},
           {"{{ 9223372036854775807 + 1 }}", "more than 64 bits"},
           {"{{ 2 ** 64 }}", "more than 64 bits"},
           {"{{ none|length }}", "length of NoneType"},
           {"{{ 1|items }}", "items of int"},
           {"{{ x|nonesuch }}", "no filter 'nonesuch'"},
           {"{{ x is nonesuch }}", "no test 'nonesuch'"},
           {"{{ x|tojson }}", "tojson of Undefined"},
           {"{{ range|tojson }}", "tojson of function"},
           {"{{ x() }}", "'x' is undefined"},
           {"{{ 1() }}", "a call of int"},
           {"{% for x in none %}{% endfor %}", "NoneType is not iterable"},
           {"{% set a, b = [1] %}", "1 values for 2 variables"},
           {"{% set d = {} %}{% set d.a = 1 %}", "wanted a namespace"},
           {"{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "2 arguments of macro 'f'"},
           {"{% macro f(a) %}{% endmacro %}{{ f(b=2) }}", "no argument 'b'"},
           {"{{ 'a' in 1 }}", "'in' of int"},
           {"{{ 1 in 'a' }}", "'in' a str asked of int"},
           {"{{ [1, 'a']|sort }}", "'<' between"},
           {"{{ '%d' % 'a' }}", "'%d' of str"},
           {"{{ '%s' % (1, 2) }}", "too many values"},
           {"{{ '%s%s' % 'a' }}", "not enough values"},
           {"{{ 'a'.split('') }}", "empty separator"},
           {"{{ {}.get() }}", "0 arguments of 'get'"},
           {"{{ [].pop() }}", "beyond the list"},
           {"{{ [1][::0] }}", "steps of 0"},
           {"{{ '{'|from_json }}", "no JSON"}})
    expect_error(source, ErrorCode::unsupported, words);
}

TEST(Template, WhatItRaisesIsPassedOnAsItIs) {
  const Result<std::string> text =
      render("\n{{ raise_exception('Roles must ' ~ 'alternate: ' ~ x) }}", {{"x", 3}});
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(text.error().message(), "Roles must alternate: 3");
}

TEST(Template, VariablesAreAnObject) {
  const Result<Template> parsed = Template::parse("a");
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(parsed->render(Json::array(), {}, {}).ok());
}

TEST(Template, VariablesKeepTheirClass) {
  const Json variables = {{"i", 3}, {"f", 3.0}, {"big", 18446744073709551615u}, {"neg", -5}};
  const auto text = render("{{ i }} {{ f }} {{ big }} {{ neg }} {{ [i, f]|tojson }}", variables);
  ASSERT_TRUE(text.ok()) << text.error().message();
  EXPECT_EQ(*text, "3 3.0 1.8446744073709552e+19 -5 [3, 3.0]");
}

TEST(Template, BytesThatAreNoTextPassThrough) {
  const std::string bytes = "a\xFF\xC3(\xE2\x82z";
  const auto text = render(
      "{{ x }}{{ x[::-1][::-1] == x }}{{ x|length }}{{ x|upper|lower }}"
      "{{ x|tojson }}{{ x|trim }}{{ x.split('z')|length }}",
      {{"x", bytes}});
  ASSERT_TRUE(text.ok()) << text.error().message();
  EXPECT_TRUE(text->starts_with(bytes + "True7"));
}

TEST(TemplateLimits, SourcesNestOnlySoDeep) {
  for (const std::string& source :
       {"{{ " + repeated("(", 5000) + "1" + repeated(")", 5000) + " }}",
        "{{ " + repeated("[", 5000) + repeated("]", 5000) + " }}",
        "{{ " + repeated("{1:", 5000) + "1" + repeated("}", 5000) + " }}",
        "{{ " + repeated("not ", 5000) + "1 }}", "{{ " + repeated("- ", 5000) + "1 }}",
        "{{ " + repeated("1 if 1 else ", 5000) + "1 }}",
        "{{ " + repeated("f(", 5000) + repeated(")", 5000) + " }}",
        "{{ " + repeated("x[", 5000) + "0" + repeated("]", 5000) + " }}",
        repeated("{% if 1 %}", 5000) + repeated("{% endif %}", 5000),
        repeated("{% for x in y %}", 5000) + repeated("{% endfor %}", 5000),
        "{% set " + repeated("(", 5000) + "a" + repeated(")", 5000) + " = 1 %}"})
    expect_error(source, ErrorCode::corrupt, "nested deeper");
}

TEST(TemplateLimits, ChainsMayBeLong) {
  const auto sum = render("{{ 0" + repeated(" + 1", 5000) + " }}");
  ASSERT_TRUE(sum.ok()) << sum.error().message();
  EXPECT_EQ(*sum, "5000");
  for (const std::string& source :
       {"{{ 'a'" + repeated("|upper|lower", 5000) + " }}",
        "{{ 1" + repeated(" and 1", 5000) + " }}", "{{ 1" + repeated(" < 2 < 3", 1) + " }}",
        "{{ x" + repeated("['a']", 50) + " is defined }}",
        "{% if 0 %}" + repeated("{% elif 0 %}", 5000) + "{% endif %}",
        "{{ ''" + repeated(" ~ 1", 5000) + " }}"}) {
    const auto text = render(source);
    const std::string error = text.ok() ? "" : text.error().message();
    EXPECT_EQ(error.find("nested"), std::string::npos) << error;
  }
}

TEST(TemplateLimits, HostileTemplatesEnd) {
  // A tenth of the default, for a test that takes no second.
  constexpr Limits kSmall{.steps = 500'000, .memory_bytes = 64 << 20};
  const std::string macro = "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}";
  const std::string twice = "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(0) }}";
  const std::string hundred = "{% for a in range(100) %}";
  for (const std::string& source :
       {macro,
        twice,
        std::string("{{ range(1000000000) }}"),
        std::string("{{ range(-9223372036854775807, 9223372036854775807) }}"),
        std::string("{{ 'a' * 1000000000 }}"),
        std::string("{{ 'abc' * 9223372036854775807 }}"),
        std::string("{{ [1] * 1000000000 }}"),
        std::string("{{ ['a' * 1000000] * 1000000 }}"),
        std::string("{% set ns = namespace(s='ab') %}{% for i in range(64) %}{% set ns.s = ns.s + "
                    "ns.s %}{% endfor %}"),
        std::string("{% set ns = namespace(s='ab') %}{% for i in range(64) %}{% set ns.s = ns.s ~ "
                    "ns.s %}{% endfor %}"),
        std::string("{% set ns = namespace(s=['ab']) %}{% for i in range(64) %}{% set ns.s = ns.s "
                    "+ ns.s %}{% endfor %}"),
        std::string("{% set ns = namespace(s=[]) %}{% for i in range(64) %}{% set ns.s = [ns.s, "
                    "ns.s] %}{% endfor %}{{ ns.s }}"),
        std::string("{% set ns = namespace(s=[]) %}{% for i in range(64) %}{% set ns.s = [ns.s, "
                    "ns.s] %}{% endfor %}{{ ns.s|tojson }}"),
        std::string("{% set ns = namespace(a=[], b=[]) %}{% for i in range(64) %}{% set ns.a = "
                    "[ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}"),
        std::string("{% set l = [] %}{% set _ = l.append(l) %}{{ l }}"),
        std::string("{% set l = [] %}{% set _ = l.append(l) %}{{ l|tojson }}"),
        std::string("{% set l = [] %}{% set _ = l.append(l) %}{% set k = [] %}{% set _ = "
                    "k.append(k) %}{{ l == k }}"),
        std::string("{% set l = [1] %}{% for i in range(100) %}{% set _ = l.extend(l) %}"
                    "{% endfor %}"),
        std::string("{% set ns = namespace() %}{% set ns.s = 'a' * 1000 %}{% for i in range(9) %}"
                    "{% set ns.s = ns.s.replace('a', 'aaaaaaaaaaaaaaaaaaaa') %}{% endfor %}"),
        std::string("{% set ns = namespace(s='x') %}{% for i in range(20) %}{% set ns.s = "
                    "ns.s|indent(1000, true) ~ '\n' ~ ns.s %}{% endfor %}"),
        std::string("{% set s = 'ab' * 10000 %}{% for i in range(100000) %}{% for j in "
                    "range(100000) %}{{ s }}{% endfor %}{% endfor %}"),
        std::string("{% set s = 'ab' * 10000000 %}{% for i in range(100000) %}{% if 'c' in s %}"
                    "{% endif %}{% endfor %}"),
        std::string("{% set s = 'ab' * 1000000 %}{% for i in range(100000) %}{{ s|upper|length }}"
                    "{% endfor %}"),
        std::string("{{ ('%999d' * 100000) % 1 }}"),
        std::string("{{ '%99999999d' % 1 }}"),
        repeated(hundred, 20) + repeated("{% endfor %}", 20)}) {
    const auto text = render(source, Json::object(), kSmall);
    ASSERT_FALSE(text.ok()) << source << " gave " << text->size() << " bytes";
    const bool told = text.error().code() == ErrorCode::exhausted ||
                      text.error().code() == ErrorCode::unsupported;
    EXPECT_TRUE(told) << source << ": " << text.error().message();
    EXPECT_TRUE(text.error().message().starts_with("line ")) << text.error().message();
  }
}

// Work that the interpreter does not see costs steps by the size of what it looks through.
TEST(TemplateLimits, WorkIsCountedInSteps) {
  constexpr Limits kFew{.steps = 3'000};
  const Json small = {{"s", std::string(500, 'a')}, {"l", std::vector<int>(200, 1)}};
  const Json large = {{"s", std::string(400'000, 'a')}, {"l", std::vector<int>(20'000, 1)}};
  for (const char* expression : {"s|upper",
                                 "s|lower",
                                 "s|title",
                                 "s|capitalize",
                                 "s|length",
                                 "s|wordcount",
                                 "s|trim",
                                 "s|replace('a', 'b')",
                                 "s|indent",
                                 "s|center",
                                 "s|reverse",
                                 "s|string",
                                 "s|int",
                                 "s.upper()",
                                 "s.strip('a')",
                                 "s.find('b')",
                                 "s.rfind('b')",
                                 "s.count('b')",
                                 "s.split('b')",
                                 "s.rsplit('b', 1)",
                                 "s.startswith('b')",
                                 "s.isalpha()",
                                 "s.islower()",
                                 "s.title()",
                                 "s.partition('b')",
                                 "'b'.join(s)",
                                 "','.join([s])",
                                 "'b' in s",

                                 "s is lower",
                                 "s[0]",
                                 "s[1:]",
                                 "s == s ~ ''",
                                 "s < s ~ ''",
                                 "s ~ 'b'",
                                 "s + 'b'",
                                 "'%s' % s",
                                 "[s]|join",
                                 "[s, s]|sort",
                                 "[s]|unique",
                                 "s|tojson",
                                 "[s]|string",
                                 "l|length",
                                 "l|first",
                                 "l|join",
                                 "l|sum",
                                 "l|sort",
                                 "l|unique|list",
                                 "l|map('string')|list",
                                 "l[1:]",
                                 "l + l",
                                 "l|tojson",
                                 "2 in l",
                                 "l|select('odd')|list",
                                 "l.count(2)"}) {
    const std::string source = "{% set x = " + std::string(expression) + " %}";
    const auto cheap = render(source, small, kFew);
    EXPECT_TRUE(cheap.ok()) << expression << ": " << cheap.error().message();
    const auto dear = render(source, large, kFew);
    ASSERT_FALSE(dear.ok()) << expression;
    EXPECT_NE(dear.error().message().find("more than 3000 steps"), std::string::npos)
        << expression << ": " << dear.error().message();
  }
}

// Searches are linear however much repeats itself: half a second or a day.
TEST(TemplateLimits, SearchesAreLinear) {
  const Json variables = {{"s", std::string(500'000, 'a')}};
  EXPECT_EQ(render("{{ (s ~ 'b') in (s ~ s) }}", variables).value(), "False");
  EXPECT_EQ(render("{{ (s ~ s ~ 'b').find(s ~ 'b') }}", variables).value(), "500000");
  EXPECT_EQ(render("{{ (s ~ s).replace(s, 'x') }}", variables).value(), "xx");
  EXPECT_FALSE(render("{{ (s ~ s).rfind('b' ~ s) }}", variables).ok());
}

TEST(TemplateLimits, EachIsObeyed) {
  const auto code = [](std::string_view source, const Limits& limits) {
    const auto text = render(source, Json::object(), limits);
    return text.ok() ? std::string("ok") : text.error().message();
  };
  const std::string loop = "{% for i in range(100) %}ab{% endfor %}";
  EXPECT_EQ(code(loop, {}), "ok");
  EXPECT_EQ(code(loop, {.steps = 50}), "line 1: more than 50 steps");
  EXPECT_EQ(code(loop, {.output_bytes = 199}), "line 1: more than 199 bytes of output");
  EXPECT_EQ(code(loop, {.output_bytes = 200}), "ok");
  EXPECT_EQ(code("{{ 'ab' * 6 }}", {.value_bytes = 11}),
            "line 1: a string of 12 bytes, at most 11");
  EXPECT_EQ(code("{{ 'ab' * 6 }}", {.value_bytes = 12}), "ok");
  EXPECT_EQ(code(loop, {.memory_bytes = 1000}), "line 1: values of more than 1000 bytes in all");
  EXPECT_EQ(code("{{ [[[[1]]]] }}", {.depth = 5}), "line 1: nested deeper than 5 levels");
}

TEST(TemplateLimits, DeepVariablesAreRefused) {
  Json deep = 1;
  for (int i = 0; i < 300; i++) deep = Json::array({deep});
  expect_error("{{ x }}", ErrorCode::exhausted, "variables nested deeper", {{"x", deep}});
  const auto unread = render("{{ y }}", {{"x", deep}, {"y", 1}});
  EXPECT_TRUE(unread.ok());
}

TEST(TemplateLimits, LargeConversationsHaveRoom) {
  Json messages = Json::array();
  for (int i = 0; i < 4000; i++)
    messages.push_back(
        {{"role", i % 2 ? "assistant" : "user"}, {"content", repeated("word ", 200)}});
  const auto text = render(
      "{% for m in messages[::-1] %}{% if m.role == 'user' %}{% endif %}{% endfor %}"
      "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content|trim + '\n' }}{% endfor %}",
      {{"messages", messages}});
  ASSERT_TRUE(text.ok()) << text.error().message();
  EXPECT_GT(text->size(), 4000u * 1000);
}

}  // namespace
}  // namespace troika::jinja
