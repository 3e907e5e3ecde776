#include "text/grammar/json_schema.h"

#include <gtest/gtest.h>

#include "support/grammar_texts.h"

namespace troika::testing {
namespace {

std::shared_ptr<const TokenGrammar> compiled(std::string_view schema) {
  const auto grammar = compile_json_schema(schema, byte_vocabulary());
  EXPECT_TRUE(grammar.ok()) << schema << "\n  " << grammar.error().message();
  return grammar.ok() ? *grammar : nullptr;
}

std::string refusal(std::string_view schema) {
  const auto grammar = compile_json_schema(schema, byte_vocabulary());
  return grammar.ok() ? "accepted" : grammar.error().message();
}

struct Case {
  const char* schema;
  std::vector<const char*> good, bad;
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const auto grammar = compiled(c.schema);
    if (grammar == nullptr) continue;
    for (const char* text : c.good) EXPECT_TRUE(matches(grammar, text)) << c.schema << ": " << text;
    for (const char* text : c.bad) EXPECT_FALSE(matches(grammar, text)) << c.schema << ": " << text;
  }
}

TEST(JsonSchema, SimpleTypes) {
  check({
      {R"({"type": "null"})", {"null"}, {"", "nul", "nulll", "0"}},
      {R"({"type": "boolean"})", {"true", "false"}, {"null", "True"}},
      {R"({"type": "integer"})",
       {"0", "-1", "1234567890123456"},
       {"01", "-0", "1.0", "1e3", "12345678901234567"}},
      {R"({"type": "number"})", {"0", "-1.5", "1e+3", "0.001"}, {".5", "1.", "01", "1e", "+1"}},
      {R"({"type": "string"})",
       {R"("")", R"("a\n\"\u00e4")", "\"\xC3\xA4\""},
       {"\"\n\"", "a", R"("\q")", R"("\ud800")", "\"\xC3\""}},
      {R"({"type": ["string", "null"]})", {"null", R"("x")"}, {"0"}},
      {R"({"const": {"a": [1, "x"]}})", {R"({"a": [1, "x"]})"}, {R"({"a": [1]})"}},
      {R"({"enum": ["a", 1, null, "ab", "abc", "b"]})",
       {R"("a")", R"("ab")", R"("abc")", "1", "null"},
       {R"("c")", R"("bc")", "2"}},
      {R"({"type": "string", "enum": ["a", 1]})", {R"("a")"}, {"1"}},
      {R"(true)", {"null", R"({"a": [1, {}]})", "[]", R"("x")", "-1.5"}, {"", "{a}", "[1,]"}},
      {R"({})", {"null", R"({"a": [1, {}]})"}, {"{,}"}},
  });
}

TEST(JsonSchema, Strings) {
  check({
      {R"({"type": "string", "minLength": 2, "maxLength": 3})",
       {R"("ab")", R"("\u00e4bc")", "\"\xC3\xA4\xC3\xA4\""},
       {R"("a")", R"("abcd")", R"("")"}},
      {R"({"pattern": "^[a-c]{2}-\\d+$"})",
       {R"("ab-7")", R"("cc-123")"},
       {R"("ab-")", R"("xab-7")", R"("ab-7x")"}},
      {R"({"pattern": "b+"})", {R"("abbc")", R"("b")"}, {R"("ac")", R"("")"}},
      {R"({"pattern": "^a|b$"})", {R"("ax")", R"("xb")"}, {R"("xa")", R"("bx")"}},
      {R"({"pattern": "^(\"|\\\\|\\n|[^a-z])$"})",
       {R"("\"")", R"("\\")", R"("\n")", R"("A")", R"("\u0001")"},
       {"\"\"\"", R"("a")"}},
      {R"({"pattern": "^(?:ab|c.)?\\.\\w\\S$"})",
       {R"("ab._x")", R"(".a!")"},
       {R"("ab.-x")", R"(".a ")"}},
      {R"({"format": "date", "type": "string"})",
       {R"("2024-02-28")", R"("1999-12-31")"},
       {R"("2024-02-30")", R"("2024-13-01")", R"("24-01-01")"}},
      {R"({"format": "date-time", "type": "string"})",
       {R"("2024-02-28T23:59:59Z")", R"("2024-02-28T00:00:00.25+01:00")"},
       {R"("2024-02-28")"}},
      {R"({"format": "uuid", "type": "string"})",
       {R"("123e4567-e89b-12d3-a456-426614174000")"},
       {R"("123e4567")"}},
      {R"({"format": "email", "type": "string"})", {R"("a.b@c.de")"}, {R"("a@b")", R"("@b.c")"}},
      {R"({"format": "ipv4", "type": "string"})", {R"("10.0.255.1")"}, {R"("10.0.256.1")"}},
      {R"({"format": "uri", "type": "string"})", {R"("https://a.org/x?y=1")"}, {R"("a.org")"}},
      {R"({"format": "duration", "type": "string"})",
       {R"("P1DT2H")", R"("PT5M")"},
       {R"("P")", R"("PT")"}},
  });
}

TEST(JsonSchema, NumbersWithinBounds) {
  check({
      {R"({"type": "integer", "minimum": 3, "maximum": 117})",
       {"3", "9", "10", "99", "100", "117"},
       {"2", "118", "200", "-3", "03"}},
      {R"({"type": "integer", "minimum": -12, "maximum": 7})",
       {"-12", "-1", "0", "7", "-9", "-10"},
       {"-13", "8", "-0", "10"}},
      {R"({"type": "integer", "exclusiveMinimum": -1, "exclusiveMaximum": 1.5})",
       {"0", "1"},
       {"-1", "2"}},
      {R"({"type": "integer", "minimum": 1e2})", {"100", "999", "1000000"}, {"99", "0", "-100"}},
      {R"({"type": "integer", "maximum": -5.5})", {"-6", "-10"}, {"-5", "0", "6"}},
      {R"({"type": "number", "minimum": 0.25, "maximum": 1.5})",
       {"0.25", "0.3", "1", "1.0", "1.5", "1.49", "0.99"},
       {"0", "0.2", "1.51", "2", "0.249", "1.6"}},
      {R"({"type": "number", "minimum": 0.25, "maximum": 0.28})",
       {"0.25", "0.28", "0.26999"},
       {"0.24", "0.281", "0.29", "0", "0.3"}},
      {R"({"type": "number", "exclusiveMinimum": 0})", {"0.1", "1", "0.001"}, {"0", "0.0", "-1"}},
      {R"({"type": "number", "minimum": 0, "exclusiveMinimum": true})", {"0.1"}, {"0"}},
      {R"({"type": "number", "exclusiveMaximum": 0})", {"-0.1", "-7"}, {"0", "-0", "1"}},
      {R"({"type": "number", "minimum": -2.5, "maximum": 12})",
       {"-2.5", "-2", "0", "11.99", "12", "-0.5"},
       {"-2.51", "12.1", "-3", "13"}},
      {R"({"minimum": 5, "maximum": 5})", {"5"}, {"5.1", "4", "null"}},
      {R"({"type": "number", "multipleOf": 1})", {"7"}, {"7.5"}},
  });
}

TEST(JsonSchema, Objects) {
  check({
      {R"({"type": "object", "properties": {"b": {"type": "null"}, )"
       R"("a": {"type": "integer"}}, "required": ["b", "a"]})",
       {R"({"b":null,"a":1})", R"({"b": null, "a": 1})"},
       {R"({"a":1,"b":null})", R"({"b":null})", "{}", R"({ "b":null,"a":1})"}},
      {R"({"properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}, )"
       R"("required": ["b"]})",
       {R"({"b":2})", R"({"a":1,"b":2})", R"({"b":2,"c":3})", R"({"a":1, "b":2,"c":3})"},
       {"{}", R"({"a":1})", R"({"a":1,"c":3})", R"({,"b":2})", R"({"b":2,})", R"({"b":2,"d":1})"}},
      {R"({"properties": {"a": {"const": 1}, "b": {"const": 2}}})",
       {"{}", R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2})"},
       {R"({"b":2,"a":1})"}},
      {R"({"type": "object"})", {"{}", R"({"x":[{"y":1}]})"}, {"[]", "1", R"({"":1})"}},
      {R"({"properties": {"ab": {"const": 1}, "ac": {"const": 1}}, )"
       R"("additionalProperties": {"type": "null"}})",
       {"{}", R"({"ab":1,"x":null})", R"({"a":null,"abc":null, "b":null})", R"({"ad":null})"},
       {R"({"ab":null})", R"({"x":1})", R"({"\u0061b":null})"}},
      {R"({"additionalProperties": false})", {"{}"}, {R"({"a":1})"}},
      {R"({"required": ["z"], "properties": {"a": {"const": 1}}})",
       {R"({"z":[]})", R"({"a":1,"z":"x"})"},
       {R"({"a":1})"}},
      {R"({"properties": {"a": false, "b": {"const": 2}}})", {"{}", R"({"b":2})"}, {R"({"a":1})"}},
      {"{\"properties\": {\"q\\\"\xC3\xA4\\n\": {\"const\": 1}}}",
       {"{\"q\\\"\xC3\xA4\\n\":1}"},
       {}},
      {R"({"type": "object", "minProperties": 1, "maxProperties": 2, )"
       R"("properties": {"a": {"const": 1}}, "required": ["a"]})",
       {R"({"a":1})"},
       {}},
  });
}

TEST(JsonSchema, Arrays) {
  check({
      {R"({"type": "array", "items": {"const": 1}})",
       {"[]", "[1]", "[1,1, 1]"},
       {"[1,]", "[,1]", "[2]", "[ 1]"}},
      {R"({"type": "array", "items": {"const": 1}, "minItems": 2, "maxItems": 3})",
       {"[1,1]", "[1,1,1]"},
       {"[]", "[1]", "[1,1,1,1]"}},
      {R"({"type": "array", "maxItems": 0})", {"[]"}, {"[1]"}},
      {R"({"type": "array"})", {"[]", R"([1,"a",[{}]])"}, {"[,]"}},
      {R"({"prefixItems": [{"const": 1}, {"const": 2}]})", {"[1,2]"}, {"[1]", "[1,2,3]", "[2,1]"}},
      {R"({"prefixItems": [{"const": 1}], "items": {"const": 2}, "maxItems": 3})",
       {"[1]", "[1,2]", "[1,2,2]"},
       {"[1,2,2,2]", "[1,1]"}},
      {R"({"items": [{"const": 1}, {"const": 2}], "additionalItems": false})",
       {"[1,2]"},
       {"[1,2,3]"}},
      {R"({"prefixItems": [{"const": 1}], "minItems": 3})", {"[1,null,null]"}, {"[1]", "[1,2]"}},
      {R"({"items": false})", {"[]"}, {"[1]"}},
  });
}

TEST(JsonSchema, Combinations) {
  check({
      {R"({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 5}]})",
       {R"("a")", "5"},
       {"4", "null"}},
      {R"({"oneOf": [{"type": "string"}, {"type": "null"}]})", {R"("a")", "null"}, {"4"}},
      {R"({"oneOf": [{"properties": {"k": {"const": "a"}, "x": {"const": 1}}, )"
       R"("required": ["k", "x"]}, {"properties": {"k": {"const": "b"}}, "required": ["k"]}]})",
       {R"({"k":"a","x":1})", R"({"k":"b"})"},
       {R"({"k":"b","x":1})", R"({"k":"a"})"}},
      {R"({"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, )"
       R"({"properties": {"b": {"const": 2}, "a": {"maximum": 5, "minimum": 4}}, )"
       R"("required": ["b"]}]})",
       {R"({"a":4,"b":2})"},
       {R"({"a":6,"b":2})", R"({"a":4})"}},
      {R"({"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"], )"
       R"("anyOf": [{"properties": {"b": {"const": 2}}, "required": ["b"]}, )"
       R"({"properties": {"c": {"const": 3}}, "required": ["c"]}]})",
       {R"({"a":1,"b":2})", R"({"a":1,"c":3})"},
       {R"({"a":1})", R"({"a":1,"b":2,"c":3})"}},
      {R"({"allOf": [{"enum": [1, 2, 3]}, {"enum": [2.0, 3, 4]}]})", {"3"}, {"1", "4"}},
      {R"({"allOf": [{"type": ["string", "integer"]}, {"type": ["integer", "null"]}]})",
       {"1"},
       {R"("a")", "null"}},
      {R"({"anyOf": [{"type": "string", "minLength": 2, "maxLength": 1}, {"const": 1}]})",
       {"1"},
       {R"("a")"}},
  });
}

TEST(JsonSchema, References) {
  check({
      {R"({"$ref": "#/$defs/x", "$defs": {"x": {"type": "array", )"
       R"("items": {"$ref": "#/$defs/y"}}, "y": {"const": 1}}})",
       {"[]", "[1,1]"},
       {"1"}},
      {R"({"type": "object", "properties": {"v": {"type": "integer"}, )"
       R"("next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["v", "next"]})",
       {R"({"v":1,"next":null})", R"({"v":1,"next":{"v":2,"next":null}})"},
       {R"({"v":1})", R"({"v":1,"next":{"v":2}})"}},
      {R"({"$ref": "#/definitions/a~1b%", "definitions": {"a/b%": {"const": 7}}})", {"7"}, {"8"}},
      {R"({"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}})",
       {"{}", R"({"l":{"r":{}},"r":{}})"},
       {R"({"l":1})"}},
      {R"({"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}], )"
       R"("$defs": {"a": {"anyOf": [{"const": 1}, {"const": 2}]}}})",
       {"1", "2"},
       {"3"}},
  });
}

TEST(JsonSchema, WhatItCannotFollowIsNamedWithItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"not": {}})", "\"not\" at #/not"},
      {R"({"properties": {"a": {"if": {}}}})", "\"if\" at #/properties/a/if"},
      {R"({"items": {"uniqueItems": true}})", "\"uniqueItems\" at #/items/uniqueItems"},
      {R"({"contains": {}})", "contains"},
      {R"({"patternProperties": {"^a": {}}})", "patternProperties"},
      {R"({"multipleOf": 3})", "multipleOf"},
      {R"({"$ref": "https://example.com/x"})", "wanted a place in this document"},
      {R"({"$ref": "#/nowhere"})", "\"$ref\" at #/$ref"},
      {R"({"$ref": "#"})", "refers to itself"},
      {R"({"anyOf": [{"$ref": "#"}, {"const": 1}]})", "one of its own alternatives"},
      {R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})", "branches 0 and 1"},
      {R"({"oneOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]})", "oneOf"},
      {R"({"type": "strang"})", "\"type\" at #/type"},
      {R"({"type": "string", "format": "colour"})",
       "\"format\" at #/format: is \"colour\", wanted one of: date"},
      {R"({"pattern": "(?=a)b"})", "\"pattern\" at #/pattern"},
      {R"({"pattern": "(a)\\1"})", "no references"},
      {R"({"pattern": "["})", "wanted a character"},
      {R"({"pattern": "^a$", "maxLength": 4})", "\"maxLength\" at #/maxLength"},
      {R"({"maxItems": 1000000000})", "\"maxItems\" at #/maxItems"},
      {R"({"minLength": -1})", "minLength"},
      {R"({"minProperties": 1})", "minProperties"},
      {R"({"enum": 5})", "enum"},
      {R"({"enum": [[1], [1, 2]], "minItems": 2})",
       "not supported beside keywords other than type"},
      {R"({"enum": [{}], "minProperties": 1})", "not supported beside keywords other than type"},
      {R"({"properties": []})", "properties"},
      {R"({"required": [1]})", "#/required/0"},
      {R"({"items": 5})", "is no schema"},
      {R"({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]})",
       "no finite text"},
      {"false", "nothing is valid"},
      {R"({"type": "string", "const": 1})", "nothing is valid"},
      {R"({"type": "integer", "minimum": 3, "maximum": 2})", "nothing is valid"},
      {R"({"enum": []})", "nothing is valid"},
      {R"({"a": 1, "a": 2})", "\"a\" occurs twice"},
      {"{", "no JSON"},
      {"", "no JSON"},
      {"5", "is no schema"},
  };
  for (const auto& [schema, message] : cases)
    EXPECT_NE(refusal(schema).find(message), std::string::npos)
        << schema << "\n  " << refusal(schema);
}

TEST(JsonSchema, HostileSchemasAreRefused) {
  std::string deep;
  for (int i = 0; i < 5000; i++) deep += R"({"items":)";
  EXPECT_NE(refusal(deep).find("deep"), std::string::npos);
  std::string wide = R"({"enum": [0)";
  for (int i = 1; i < 70000; i++) wide += "," + std::to_string(i);
  EXPECT_NE(refusal(wide + "]}").find("values"), std::string::npos);
  std::string chain = R"({"$ref": "#/$defs/d0", "$defs": {)";
  for (int i = 0; i < 500; i++)
    chain += fmt::format(R"("d{}": {{"items": {{"$ref": "#/$defs/d{}"}}}}, )", i, i + 1);
  EXPECT_NE(refusal(chain + R"("d500": {}}})").find("deep"), std::string::npos);
  std::string product = R"({"allOf": [)";
  for (int i = 0; i < 20; i++)
    product +=
        fmt::format(R"({}{{"anyOf": [{{"title": "a"}}, {{"title": "b"}}, {{}}]}})", i ? "," : "");
  EXPECT_NE(refusal(product + "]}").find("too large"), std::string::npos)
      << refusal(product + "]}");
  std::string nested = R"({"type": "string"})";
  for (int i = 0; i < 4; i++)
    nested = R"({"type": "array", "minItems": 1000, "maxItems": 1000, "items": )" + nested + "}";
  EXPECT_TRUE(compile_json_schema(nested, byte_vocabulary()).ok());
}

// Small texts that ask for much work: what is looked at is counted, not timed.
TEST(JsonSchema, WorkHasAnEnd) {
  const auto numbers = [](int first, int count) {
    std::string list;
    for (int i = 0; i < count; i++) list += (i > 0 ? "," : "") + std::to_string(first + i);
    return list;
  };
  const auto names = [](int count) {
    std::string list;
    for (int i = 0; i < count; i++) list += fmt::format(R"({}"name{}")", i > 0 ? "," : "", i);
    return list;
  };
  // Enums held against each other.
  EXPECT_NE(refusal(R"({"allOf": [{"enum": [)" + numbers(0, 3000) + R"(]}, {"enum": [)" +
                    numbers(2999, 3000) + "]}]}")
                .find("too large"),
            std::string::npos);
  EXPECT_EQ(refusal(R"({"allOf": [{"enum": [)" + numbers(0, 300) + R"(]}, {"enum": [)" +
                    numbers(299, 300) + "]}]}"),
            "accepted");
  // Branches of many names held against each other.
  std::string one_of = R"({"oneOf": [)";
  for (int i = 0; i < 100; i++)
    one_of += fmt::format(R"({}{{"required": [{}]}})", i > 0 ? "," : "", names(300));
  EXPECT_NE(refusal(one_of + "]}").find("\"oneOf\""), std::string::npos);
  // One list of names under a product of alternatives.
  std::string product = R"({"required": [)" + names(1000) + R"(], "allOf": [)";
  for (int i = 0; i < 3; i++) {
    product += i > 0 ? R"(,{"anyOf": [{})" : R"({"anyOf": [{})";
    for (int j = 0; j < 30; j++) product += fmt::format(R"(,{{"title": "{}"}})", j);
    product += "]}";
  }
  EXPECT_NE(refusal(product + "]}").find("too large"), std::string::npos);
  // Long keys, which every rule's name would repeat.
  EXPECT_NE(refusal(R"({"properties": {")" + std::string(2000, 'k') + R"(": {}}})")
                .find("a key of 2000 bytes"),
            std::string::npos);
  // A place is told by its end.
  std::string deep = R"({"not": {}})";
  for (int i = 0; i < 20; i++)
    deep = R"({"properties": {")" + std::string(500, 'k') + R"(": )" + deep + "}}";
  EXPECT_NE(refusal(deep).find("kkk/not"), std::string::npos);
  EXPECT_LT(refusal(deep).size(), 1000U);
}

TEST(JsonSchema, ReferencesAreUriFragments) {
  check({{R"({"$ref": "#/$defs/a%20b", "$defs": {"a b": {"const": 1}}})", {"1"}, {"2"}},
         {R"({"$ref": "#/$defs/100%", "$defs": {"100%": {"const": 1}}})", {"1"}, {"2"}}});
}

TEST(JsonSchema, UnevaluatedPropertiesForbidWhatOthersName) {
  check({{R"({"allOf": [{"properties": {"a": {"const": 1}}}], "properties": {"b": {"const": 2}},
              "unevaluatedProperties": false})",
          {R"({"b": 2, "a": 1})"},
          {R"({"c": 1})"}},
         {R"({"$ref": "#/$defs/x", "unevaluatedProperties": false,
              "$defs": {"x": {"properties": {"a": {"const": 1}}}}})",
          {R"({"a": 1})"},
          {R"({"c": 1})"}}});
  EXPECT_NE(refusal(R"({"allOf": [{"properties": {"a": {}}, "unevaluatedProperties": false},
                        {"properties": {"b": {}}}]})")
                .find("\"unevaluatedProperties\" at #/allOf/0"),
            std::string::npos);
}

TEST(JsonSchema, AnyObject) {
  const auto grammar = compile_json_object(byte_vocabulary());
  ASSERT_TRUE(grammar.ok());
  for (const char* text : {"{}", R"({"a": {"b": [null, true, 1.5e3, "x\n"]}})"})
    EXPECT_TRUE(matches(*grammar, text)) << text;
  for (const char* text : {"[]", "1", "{}x", R"({"a"})"}) EXPECT_FALSE(matches(*grammar, text));
}

}  // namespace
}  // namespace troika::testing
