#include "text/output/call_grammar.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/grammar_texts.h"
#include "text/output/output_parser.h"
#include "text/output/tool_syntax.h"

namespace troika::testing {
namespace {

using Json = nlohmann::json;
using grammar::Grammar;

constexpr std::string_view kTools = R"([
  {"name": "get_weather", "parameters": {"type": "object", "properties": {
    "city": {"type": "string"},
    "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
    "days": {"type": "integer", "minimum": 1, "maximum": 9},
    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    "required": ["city", "days"]}},
  {"name": "plot", "parameters": {"type": "object", "properties": {
    "style": {"type": "object", "properties": {"dash": {"type": "boolean"},
              "name": {"type": "string", "maxLength": 5}}, "required": ["dash"]},
    "points": {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1},
               "maxItems": 2}}, "required": ["style"]}}])";

std::vector<CallTool> tools() {
  const auto read = read_output_tools(kTools).value();
  std::vector<CallTool> tools;
  const auto json = nlohmann::ordered_json::parse(kTools);
  for (size_t i = 0; i < read.size(); i++) tools.push_back({read[i], json[i]["parameters"].dump()});
  return tools;
}

OutputFormat format_of(OutputFamily family) {
  return {.family = family};
}

std::shared_ptr<const TokenGrammar> compiled(Grammar g, Result<grammar::ExprId> root) {
  EXPECT_TRUE(root.ok()) << root.error().message();
  if (!root.ok()) return nullptr;
  g.set_root(*root);
  auto made = compile_grammar(std::move(g), byte_vocabulary());
  EXPECT_TRUE(made.ok()) << made.error().message();
  return made.ok() ? *made : nullptr;
}

std::shared_ptr<const TokenGrammar> calls(OutputFamily family, int64_t calls_max = 3,
                                          std::string_view prompt = "") {
  Grammar g;
  const auto root = add_calls(g, format_of(family), tools(), calls_max, prompt);
  return compiled(std::move(g), root);
}

std::shared_ptr<const TokenGrammar> text_with_calls(OutputFamily family, bool several = true) {
  Grammar g;
  const auto root = add_text_with_calls(g, format_of(family), tools(), several);
  return compiled(std::move(g), root);
}

std::vector<OutputFamily> families() {
  std::vector<OutputFamily> families;
  for (int i = 1; i < kOutputFamilies; i++) families.push_back(static_cast<OutputFamily>(i));
  return families;
}

struct Form {
  OutputFamily family;
  const char* call;  // of get_weather with city Oslo and days 2
};

using enum OutputFamily;
const Form kForms[] = {
    {hermes,
     "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": "
     "2}}\n</tool_call>"},
    {qwen_xml,
     "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n"
     "<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>"},
    {glm,
     "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n"
     "<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>"},
    {glm,
     "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Oslo</arg_value>"
     "<arg_key>days</arg_key><arg_value>2</arg_value></tool_call>"},
    {llama3, R"({"name": "get_weather", "parameters": {"city": "Oslo", "days": 2}})"},
    {deepseek_v3,
     "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
     "{\"city\": \"Oslo\", \"days\": 2}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"},
    {deepseek_v31,
     "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Oslo\", "
     "\"days\": 2}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"},
    {deepseek_dsml,
     "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter "
     "name=\"city\" string=\"true\">Oslo</｜DSML｜parameter>\n<｜DSML｜parameter name=\"days\" "
     "string=\"false\">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>"},
    {mistral, R"([TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}, )"
              R"("id": "abcdefghi"}])"},
    {mistral, R"([TOOL_CALLS]get_weather[CALL_ID]abcdefghi[ARGS]{"city": "Oslo", "days": 2})"},
    {mistral, R"([TOOL_CALLS]get_weather[ARGS]{"city": "Oslo", "days": 2})"},
    {harmony,
     "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\":"
     "\"Oslo\",\"days\":2}"},
    {functionary, ">>>get_weather\n{\"city\": \"Oslo\", \"days\": 2}"},
    {functionary31, "<function=get_weather>{\"city\": \"Oslo\", \"days\": 2}</function>"},
    {kimi_k2,
     "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0"
     "<|tool_call_argument_begin|>{\"city\": \"Oslo\", \"days\": 2}<|tool_call_end|>"
     "<|tool_calls_section_end|>"},
    {cohere,
     "<|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": \"get_weather\", "
     "\"parameters\": {\"city\": \"Oslo\", \"days\": 2}}\n]<|END_ACTION|>"},
    {lfm2, "<|tool_call_start|>[get_weather(city=\"Oslo\", days=2)]<|tool_call_end|>"},
    {gemma4, "<|tool_call>call:get_weather{city:<|\"|>Oslo<|\"|>,days:2}<tool_call|>"},
    {minicpm5,
     "<function name=\"get_weather\"><param name=\"city\">Oslo</param><param "
     "name=\"days\">2</param></function>"},
    {seed_oss,
     "<seed:tool_call>\n<function=get_weather>\n<parameter=city>Oslo</parameter>\n"
     "<parameter=days>2</parameter>\n</function>\n</seed:tool_call>"},
    {minimax_m2,
     "<minimax:tool_call>\n<invoke name=\"get_weather\">\n<parameter name=\"city\">Oslo"
     "</parameter>\n<parameter name=\"days\">2</parameter>\n</invoke>\n</minimax:tool_call>"},
    {granite,
     "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": "
     "2}}]"},
    {apertus,
     "<|tools_prefix|>[{\"get_weather\": {\"city\": \"Oslo\", \"days\": 2}}]"
     "<|tools_suffix|>"},
    {nemotron_v2,
     "<TOOLCALL>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": 2}}]"
     "</TOOLCALL>"},
    {apriel,
     "<tool_calls>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": 2}, "
     "\"id\": \"abcdefghi\"}]</tool_calls>"},
    {firefunction,
     "functools[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": 2}}]"},
    {gigachat,
     "<|function_call|>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": "
     "2}}"},
};

TEST(CallGrammar, WhatModelsWriteIsAllowedAndRead) {
  std::vector<OutputFamily> seen;
  for (const Form& form : kForms) {
    SCOPED_TRACE(form.call);
    seen.push_back(form.family);
    EXPECT_TRUE(matches(calls(form.family), form.call));
    OutputParser parser(
        format_of(form.family),
        {.tools = read_output_tools(kTools).value(),
         .generation_prompt = form.family == OutputFamily::harmony ? "<|start|>assistant" : ""});
    static_cast<void>(parser.feed(form.call));
    static_cast<void>(parser.finish());
    ASSERT_EQ(parser.message().tool_calls.size(), 1U);
    const ToolCall& call = parser.message().tool_calls[0];
    EXPECT_EQ(call.name, "get_weather");
    EXPECT_EQ(Json::parse(call.arguments), Json::parse(R"({"city": "Oslo", "days": 2})"));
    if (!marks_calls(form.family)) continue;
    const auto text = text_with_calls(form.family);
    EXPECT_TRUE(matches(text, std::string("Look, 1 < 2.") + form.call));
    EXPECT_TRUE(matches(text, std::string(form.call) + "\nand " + form.call + "."));
  }
  for (const OutputFamily family : families())
    EXPECT_NE(std::ranges::find(seen, family), seen.end()) << output_family_name(family);
}

// Names that are none, arguments that are none: not once the call began, wherever it began.
TEST(CallGrammar, NothingElseIsAllowed) {
  for (const Form& form : kForms) {
    const std::string call = form.call;
    std::string wrong_name = call, wrong_value = call;
    wrong_name.replace(call.find("get_weather"), 11, "get_whether");
    wrong_value[call.rfind("2")] = '0';
    for (const std::string& wrong : {wrong_name, wrong_value}) {
      SCOPED_TRACE(wrong);
      EXPECT_FALSE(begins(calls(form.family), wrong));
      if (!marks_calls(form.family)) continue;
      EXPECT_FALSE(begins(text_with_calls(form.family), wrong));
      EXPECT_FALSE(begins(text_with_calls(form.family), "Look. " + wrong));
    }
  }
}

TEST(CallGrammar, EveryFormBeginsWithItsTrigger) {
  for (const OutputFamily family : families()) {
    const ToolSyntax& syntax = tool_syntax(family);
    EXPECT_FALSE(syntax.forms.empty()) << syntax.name;
    for (const CallForm& form : syntax.forms)
      EXPECT_TRUE((std::string(form.section) + std::string(form.begin)).starts_with(syntax.trigger))
          << syntax.name;
  }
}

/// A text by the grammar, drawn at random, that comes to its end soon.
std::optional<std::string> random_text(const std::shared_ptr<const TokenGrammar>& grammar,
                                       std::mt19937& random) {
  GrammarState state(grammar);
  std::string text;
  for (int i = 0; i < 3000; i++) {
    std::vector<TokenId> tokens = tokens_of(*state.allowed());
    std::erase(tokens, kSilentToken);
    if (tokens.empty()) return std::nullopt;
    const bool end = has_bit(*state.allowed(), kEndToken);
    if (end && (tokens.size() == 1 || random() % 4 == 0)) return text;
    // Brackets that close, so that what may go on for long does not; few bytes that are no text.
    TokenId token = tokens[random() % tokens.size()];
    for (const char c : {'"', '<', 'x', ' '})
      if (random() % 3 == 0 && has_bit(*state.allowed(), byte_token(c))) token = byte_token(c);
    if (token == kEndToken) continue;
    EXPECT_TRUE(state.accept(token));
    text += static_cast<char>(static_cast<int32_t>(token));
  }
  return std::nullopt;
}

void expect_valid(const ToolCall& call) {
  ASSERT_TRUE(Json::accept(call.arguments)) << call.arguments;
  const Json arguments = Json::parse(call.arguments);
  EXPECT_TRUE(call.complete);
  if (call.name == "get_weather") {
    EXPECT_TRUE(arguments.at("city").is_string());
    EXPECT_TRUE(arguments.at("days").is_number_integer());
    EXPECT_LE(arguments.value("days", 10), 9);
    if (arguments.contains("unit")) {
      EXPECT_TRUE(arguments["unit"] == "celsius" || arguments["unit"] == "kelvin");
    }
    if (arguments.contains("note")) {
      EXPECT_TRUE(arguments["note"].is_string() || arguments["note"].is_null()) << call.arguments;
    }
    return;
  }
  ASSERT_EQ(call.name, "plot");
  EXPECT_TRUE(arguments.at("style").at("dash").is_boolean());
  for (const Json& point : arguments.value("points", Json::array())) {
    EXPECT_TRUE(point.is_number() && point <= 1) << call.arguments;
  }
}

// Whatever the grammar of a family lets a model write, its parser reads as calls, whose arguments
// are valid.
TEST(CallGrammar, ParsersReadAllThatItAllows) {
  std::mt19937 random(7);
  for (const OutputFamily family : families()) {
    SCOPED_TRACE(output_family_name(family));
    const auto grammar = calls(family);
    int finished = 0;
    for (int i = 0; i < 60; i++) {
      const auto text = random_text(grammar, random);
      if (!text) continue;
      finished++;
      SCOPED_TRACE(*text);
      OutputParser parser(
          format_of(family),
          {.tools = read_output_tools(kTools).value(),
           .generation_prompt = family == OutputFamily::harmony ? "<|start|>assistant" : ""});
      static_cast<void>(parser.feed(*text));
      static_cast<void>(parser.finish());
      const OutputMessage& message = parser.message();
      ASSERT_FALSE(message.tool_calls.empty());
      EXPECT_EQ(message.content, "");
      for (const ToolCall& call : message.tool_calls) expect_valid(call);
    }
    EXPECT_GT(finished, 8);
  }
}

TEST(CallGrammar, AsManyCallsAsAreAskedFor) {
  const std::string call = kForms[0].call;
  EXPECT_TRUE(matches(calls(hermes, 1), call));
  EXPECT_FALSE(begins(calls(hermes, 1), call + "\n<"));
  EXPECT_TRUE(matches(calls(hermes, 2), call + "\n" + call));
  EXPECT_FALSE(begins(calls(hermes, 2), call + "\n" + call + "\n<"));
  EXPECT_FALSE(begins(text_with_calls(hermes, false), "a" + call + "b"));
  // The prompt of Functionary ends in the mark that it would begin with.
  EXPECT_TRUE(begins(calls(functionary, 1, "assistant\n\n>>>"), "get_weather\n{"));
  EXPECT_FALSE(begins(calls(functionary, 1, ""), "get_weather\n{"));
}

TEST(CallGrammar, TextIsFree) {
  const auto text = text_with_calls(qwen_xml);
  for (const char* free : {"", "<", "<tool_", "a <function=x> b", "<tool_calls>", "\xC3\xA4{}"})
    EXPECT_TRUE(matches(text, free)) << free;
  EXPECT_FALSE(matches(text, "<tool_call>"));
  EXPECT_TRUE(begins(text, "<tool_call>\n<function=plot>\n<parameter=style>\n{\"dash\": true}"));
}

TEST(CallGrammar, TextStandsBesideJsonWhereBothAreMeant) {
  const std::string head =
      "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n"
      "</parameter>\n<parameter=days>\n2\n</parameter>\n<parameter=note>\n";
  const std::string tail = "\n</parameter>\n</function>\n</tool_call>";
  const auto grammar = calls(qwen_xml);
  for (const char* note : {"null", "\"8\"", "Take care: 8 < 9", "tram", "nut"})
    EXPECT_TRUE(matches(grammar, head + note + tail)) << note;
  for (const char* note : {"8", "true", "[1]", "None", "-1"})
    EXPECT_FALSE(begins(grammar, head + note + tail)) << note;
}

TEST(CallGrammar, ReasoningComesFirst) {
  const OutputFormat format{hermes, "<think>", "</think>"};
  const auto with = [&](std::string_view prompt, ReasoningGrammar options) {
    Grammar g;
    const auto calls = add_calls(g, format, tools(), 1, prompt);
    EXPECT_TRUE(calls.ok());
    const auto root = g.sequence({add_reasoning(g, format, prompt, options), *calls});
    return compiled(std::move(g), root);
  };
  const std::string call = kForms[0].call;
  EXPECT_TRUE(matches(with("", {}), call));
  EXPECT_TRUE(matches(with("", {}), "<think>\nHm <tool_call>\n</think>\n\n" + call));
  EXPECT_FALSE(begins(with("", {}), "Hm"));
  EXPECT_TRUE(matches(with("<think>\n", {}), "Hm.\n</think>\n\n" + call));
  EXPECT_FALSE(matches(with("<think>\n", {}), "Hm."));
  EXPECT_TRUE(matches(with("<think>\n", {.may_end = true}), "Hm."));
  EXPECT_TRUE(matches(with("<think>\n\n</think>\n\n", {}), call));
  EXPECT_FALSE(begins(with("<think>\n\n</think>\n\n", {}), "<think>"));
}

TEST(CallGrammar, HarmonyAnswersUnderTheirHeaders) {
  Grammar g;
  const OutputFormat format = format_of(harmony);
  const auto root = g.sequence(
      {add_reasoning(g, format, "<|start|>assistant", {.final = true}), g.literal("{}")});
  const auto grammar = compiled(std::move(g), root);
  EXPECT_TRUE(matches(grammar, "<|channel|>final<|message|>{}"));
  EXPECT_TRUE(matches(grammar,
                      "<|channel|>analysis<|message|>So.<|end|><|start|>assistant<|channel|>final "
                      "<|constrain|>json<|message|>{}"));
  EXPECT_FALSE(begins(grammar, "{"));
}

TEST(CallGrammar, WhatCannotBeWrittenIsRefused) {
  const auto refusal = [](OutputFamily family, const char* name, const char* parameters) {
    Grammar g;
    const CallTool tool{{name, {}}, parameters};
    const auto made = add_calls(g, format_of(family), {&tool, 1}, 1, "");
    return made.ok() ? "accepted" : made.error().message();
  };
  const std::tuple<OutputFamily, const char*, const char*, const char*> cases[] = {
      {plain, "f", "", "no calls of tools (plain)"},
      {qwen_xml, "a b", "", "cannot name it"},
      {hermes, "a \"b\"", "", "accepted"},
      {hermes, "f", R"({"not": {}})", "the tool \"f\": the JSON schema, \"not\" at #/not"},
      {hermes, "f", R"({"type": "string"})", "no object is valid"},
      {hermes, "f", "[", "no JSON"},
      {glm, "f", R"({"type": "string"})", "\"type\" at #/type"},
      {glm, "f", R"({"anyOf": []})", "\"anyOf\" at #/anyOf"},
      {glm, "f", R"({"required": ["x"]})", "is no property"},
      {glm, "f", R"({"properties": {"a b": {}}})", "cannot write"},
      {glm, "f", R"({"properties": {"a": {"multipleOf": 3}}})", "multipleOf"},
      {lfm2, "f", R"({"properties": {"a=b": {}}})", "cannot write"},
      {gemma4, "f", R"({"properties": {"a:b": {}}})", "cannot be written"},
      {gemma4, "f", R"({"properties": {"a": {"const": "<"}}})", "cannot be written"},
  };
  for (const auto& [family, name, parameters, message] : cases)
    EXPECT_NE(refusal(family, name, parameters).find(message), std::string::npos)
        << output_family_name(family) << ' ' << parameters << "\n  "
        << refusal(family, name, parameters);
}

}  // namespace
}  // namespace troika::testing
