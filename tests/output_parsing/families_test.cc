// Formats that the shared cases do not have, options, and outputs that are not what they seem.
#include <nlohmann/json.hpp>

#include "output_parsing/output_fixtures.h"

namespace troika {
namespace {

using Json = nlohmann::json;
using enum OutputFamily;

const std::vector<OutputTool> kTools = {
    {"get_weather", {{"city", ParameterKind::text}, {"days", ParameterKind::other}}},
    {"run_python", {{"code", ParameterKind::text}}}};

OutputFormat format_of(OutputFamily family, std::string_view open = "",
                       std::string_view close = "") {
  return {family, open, close};
}

OutputMessage parse(OutputFamily family, std::string_view output,
                    OutputParserOptions options = {.tools = kTools}) {
  return testing::parse(format_of(family), options, output);
}

OutputMessage think(OutputFamily family, std::string_view output,
                    OutputParserOptions options = {.tools = kTools}) {
  return testing::parse(format_of(family, "<think>", "</think>"), options, output);
}

void expect_call(const ToolCall& call, std::string_view name, std::string_view arguments) {
  EXPECT_EQ(call.name, name);
  EXPECT_TRUE(call.complete);
  ASSERT_TRUE(Json::accept(call.arguments)) << call.arguments;
  EXPECT_EQ(Json::parse(call.arguments), Json::parse(arguments));
}

struct Form {
  OutputFamily family;
  const char* output;
};

// One call in every format, with content before it and none behind.
TEST(OutputFamilies, EachReadsItsCall) {
  const Form forms[] = {
      {hermes,
       "Look.<tool_call>{\"arguments\": {\"city\": \"Oslo\", \"days\": 2}, \"name\": "
       "\"get_weather\"}</tool_call>"},
      {seed_oss,
       "Look.\n<seed:tool_call>\n<function=get_weather>\n<parameter=city>Oslo</parameter>\n"
       "<parameter=days>2</parameter>\n</function>\n</seed:tool_call>"},
      {minimax_m2,
       "Look.\n<minimax:tool_call>\n<invoke name=\"get_weather\">\n<parameter "
       "name=\"city\">Oslo</parameter>\n<parameter name=\"days\">2</parameter>\n"
       "</invoke>\n</minimax:tool_call>"},
      {minicpm5,
       "Look.<function name=\"get_weather\"><param name=\"city\">Oslo</param><param "
       "name=\"days\">2</param></function>"},
      {cohere,
       "<|START_RESPONSE|>Look.<|END_RESPONSE|><|START_ACTION|>[\n    {\"tool_call_id\": "
       "\"0\", \"tool_name\": \"get_weather\", \"parameters\": {\"city\": \"Oslo\", "
       "\"days\": 2}}\n]<|END_ACTION|>"},
      {granite,
       "<response>Look.</response><|tool_call|>[{\"name\": \"get_weather\", "
       "\"arguments\": {\"city\": \"Oslo\", \"days\": 2}}]"},
      {apertus,
       "Look.<|tools_prefix|>[{\"get_weather\": {\"city\": \"Oslo\", \"days\": "
       "2}}]<|tools_suffix|>"},
      {nemotron_v2,
       "Look.<TOOLCALL>[{\"name\": \"get_weather\", \"arguments\": {\"city\": "
       "\"Oslo\", \"days\": 2}}]</TOOLCALL>"},
      {apriel,
       "Look.\n<tool_calls>[{\"name\": \"get_weather\", \"arguments\": \"{\\\"city\\\": "
       "\\\"Oslo\\\", \\\"days\\\": 2}\", \"id\": \"x\"}]</tool_calls>"},
      {firefunction,
       "Look. functools[{\"name\": \"get_weather\", \"arguments\": {\"city\": "
       "\"Oslo\", \"days\": 2}}]"},
      {gigachat,
       "Look.<|function_call|>{\"name\": \"get_weather\", \"arguments\": {\"city\": "
       "\"Oslo\", \"days\": 2}}"},
      {functionary, "all\nLook.>>>get_weather\n{\"city\": \"Oslo\", \"days\": 2}"},
      {functionary31, "Look.<function=get_weather>{\"city\": \"Oslo\", \"days\": 2}</function>"},
      {lfm2, "Look.<|tool_call_start|>[get_weather(city=\"Oslo\", days=2)]<|tool_call_end|>"},
      {gemma4, "Look.<|tool_call>call:get_weather{city:<|\"|>Oslo<|\"|>,days:2}<tool_call|>"},
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(output_family_name(form.family));
    const OutputMessage message = parse(form.family, form.output);
    EXPECT_EQ(message.content, "Look.");
    ASSERT_EQ(message.tool_calls.size(), 1u);
    expect_call(message.tool_calls[0], "get_weather", R"({"city": "Oslo", "days": 2})");
  }
}

TEST(OutputFamilies, FunctionaryRunsPythonAsItIs) {
  OutputParserOptions options{.tools = kTools};
  options.tools.push_back({"python", {{"code", ParameterKind::text}}});
  const auto read = [&](std::string_view output) { return parse(functionary, output, options); };
  OutputMessage message = read("python\nprint(\"a\" >> 1)\n>>>all\nDone.");
  ASSERT_EQ(message.tool_calls.size(), 1u);
  expect_call(message.tool_calls[0], "python", R"({"code": "print(\"a\" >> 1)\n"})");
  EXPECT_EQ(message.content, "Done.");
  message = read("all\nLook.\n>>>python\n>>>x\n>>> y = [1]");
  ASSERT_EQ(message.tool_calls.size(), 1u);
  expect_call(message.tool_calls[0], "python", R"({"code": ">>>x\n>>> y = [1]"})");
  message = read("python\n1>>>get_weather\n{}>>>python\n{\"code\": \"2\"}");
  ASSERT_EQ(message.tool_calls.size(), 3u);
  expect_call(message.tool_calls[0], "python", R"({"code": "1"})");
  expect_call(message.tool_calls[2], "python", R"({"code": "2"})");
  // Others have JSON, or it is text.
  EXPECT_TRUE(read("get_weather\nprint(1)").tool_calls.empty());
}

TEST(OutputFamilies, PythonStringsMayHaveThreeQuotes) {
  const std::pair<const char*, const char*> cases[] = {
      {R"x(code="""a "b" ""c)], (""")x", R"x({"code": "a \"b\" \"\"c)], ("})x"},
      {"code='''x\n)y''', days=1", R"x({"code": "x\n)y", "days": 1})x"},
      {R"x(code="", days=[""], city='')x", R"x({"code": "", "days": [""], "city": ""})x"},
      {R"x(code="""\""" \\""", days=2)x", R"x({"code": "\"\"\" \\", "days": 2})x"},
  };
  for (const auto& [arguments, json] : cases) {
    SCOPED_TRACE(arguments);
    const OutputMessage message = parse(
        lfm2, "<|tool_call_start|>[run_python(" + std::string(arguments) + ")]<|tool_call_end|>");
    ASSERT_EQ(message.tool_calls.size(), 1u);
    expect_call(message.tool_calls[0], "run_python", json);
    EXPECT_EQ(message.content, "");
  }
}

TEST(OutputFamilies, ListsHoldSeveralCalls) {
  const Form forms[] = {
      {cohere,
       "<|START_ACTION|>[{\"tool_call_id\": \"0\", \"tool_name\": \"get_weather\", "
       "\"parameters\": {}}, {\"tool_call_id\": 1, \"tool_name\": \"run_python\", "
       "\"parameters\": {\"code\": \"1\"}}]<|END_ACTION|>"},
      {apertus,
       "<|tools_prefix|>[{\"get_weather\": {}}, {\"run_python\": {\"code\": "
       "\"1\"}}]<|tools_suffix|>"},
      {lfm2, "<|tool_call_start|>[get_weather(), run_python(code='1')]<|tool_call_end|>"},
      {llama3,
       "{\"name\": \"get_weather\", \"parameters\": {}}; {\"name\": \"run_python\", "
       "\"parameters\": {\"code\": \"1\"}}"},
      {functionary, "get_weather\n{}>>>run_python\n{\"code\": \"1\"}"},
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(output_family_name(form.family));
    const OutputMessage message = parse(form.family, form.output);
    EXPECT_EQ(message.content, "");
    ASSERT_EQ(message.tool_calls.size(), 2u);
    expect_call(message.tool_calls[0], "get_weather", "{}");
    expect_call(message.tool_calls[1], "run_python", R"({"code": "1"})");
    EXPECT_NE(message.tool_calls[0].id, message.tool_calls[1].id);
  }
}

TEST(OutputFamilies, PythonLiteralsBecomeJson) {
  const OutputMessage message =
      parse(lfm2,
            "<|tool_call_start|>[f(a='it\\'s \\u00e9\\n)', b=[1, -2.5, True, None], c={'k': "
            "(1, 'x')}, d=\"q'q\")]<|tool_call_end|>");
  ASSERT_EQ(message.tool_calls.size(), 1u);
  expect_call(
      message.tool_calls[0], "f",
      R"-({"a": "it's é\n)", "b": [1, -2.5, true, null], "c": {"k": [1, "x"]}, "d": "q'q"})-");
}

TEST(OutputFamilies, LlamaCallsItsBuiltInsByATag) {
  OutputMessage message = parse(llama3, "<|python_tag|>brave_search.call(query=\"cats\")");
  ASSERT_EQ(message.tool_calls.size(), 1u);
  expect_call(message.tool_calls[0], "brave_search", R"({"query": "cats"})");
  message = parse(llama3, "<|python_tag|>x = \"1\"\nprint(x)");
  ASSERT_EQ(message.tool_calls.size(), 1u);
  expect_call(message.tool_calls[0], "python", R"-({"code": "x = \"1\"\nprint(x)"})-");
}

TEST(OutputFamilies, WhatIsNoCallIsContent) {
  const Form forms[] = {
      {hermes, "<tool_call>not JSON</tool_call>"},
      {hermes, "<tool_call>{\"arguments\": {}}</tool_call>"},
      {llama3, "{\"name\": \"unknown\", \"parameters\": {}}"},
      {llama3, "{\"name\": \"get_weather\"}"},
      {llama3, "{\"a\": 1}"},
      {mistral, "[TOOL_CALLS] (none)"},
      {qwen_xml, "<function=unknown>\n</function>"},
      {qwen_xml, "write <function=x, please"},
      {functionary, "all is well"},
      {firefunction, "functools[0]"},
      {glm, "<tool_call> with a blank"},
      {plain, "<tool_call>{\"name\": \"get_weather\", \"arguments\": {}}</tool_call>"},
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(form.output);
    const OutputMessage message = parse(form.family, form.output);
    EXPECT_EQ(message.content, form.output);
    EXPECT_TRUE(message.tool_calls.empty());
  }
}

TEST(OutputFamilies, CallsThatAreCutOffStayAsFarAsTheyCame) {
  const Form forms[] = {
      {hermes, "Hi<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Os"},
      {qwen_xml, "Hi<tool_call>\n<function=get_weather>\n<parameter=city>\nOs"},
      {glm, "Hi<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Os"},
      {gemma4, "Hi<|tool_call>call:get_weather{city:<|\"|>Os"},
      {mistral, "Hi[TOOL_CALLS]get_weather[ARGS]{\"city\": \"Os"},
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(form.output);
    const OutputMessage message = parse(form.family, form.output);
    EXPECT_EQ(message.content, "Hi");
    ASSERT_EQ(message.tool_calls.size(), 1u);
    EXPECT_FALSE(message.tool_calls[0].complete);
    EXPECT_EQ(message.tool_calls[0].arguments, "{\"city\": \"Os");
  }
  // Before its name is known a call is nothing.
  for (const char* output : {"Hi<tool_call>", "Hi<tool_call>\n{\"name\": \"get_we"}) {
    EXPECT_EQ(parse(hermes, output).content, "Hi");
    EXPECT_TRUE(parse(hermes, output).tool_calls.empty());
  }
}

TEST(OutputFamilies, ReasoningFormats) {
  const std::string_view output = "<think>\nHm.\n</think>\n\nYes.";
  OutputParserOptions options{.tools = kTools};
  EXPECT_EQ(think(hermes, output).reasoning, "Hm.");
  EXPECT_EQ(think(hermes, output).content, "Yes.");
  options.reasoning_format = ReasoningFormat::none;
  EXPECT_EQ(think(hermes, output, options).reasoning, "");
  EXPECT_EQ(think(hermes, output, options).content, output);
  options.reasoning_format = ReasoningFormat::both;
  EXPECT_EQ(think(hermes, output, options).reasoning, "Hm.");
  EXPECT_EQ(think(hermes, output, options).content, output);
}

TEST(OutputFamilies, OnlyTagsAtTheStartOpenReasoning) {
  EXPECT_EQ(think(hermes, "So <think>x</think>").content, "So <think>x</think>");
  EXPECT_EQ(think(hermes, " \n<think>x</think>y").reasoning, "x");
  OutputParserOptions closed{.tools = kTools, .generation_prompt = "<think>\n\n</think>\n\n"};
  EXPECT_EQ(think(hermes, "\n<think>x", closed).content, "<think>x");
}

TEST(OutputFamilies, ACallEndsReasoningOfSomeFamilies) {
  const OutputParserOptions open{.tools = kTools, .generation_prompt = "<think>\n"};
  const std::string_view output =
      "I use <tool_call> now.\n<tool_call>\n<function=run_python>\n<parameter=code>\n1\n"
      "</parameter>\n</function>\n</tool_call>";
  const OutputMessage message = think(qwen_xml, output, open);
  EXPECT_EQ(message.reasoning, "I use <tool_call> now.");
  ASSERT_EQ(message.tool_calls.size(), 1u);
  expect_call(message.tool_calls[0], "run_python", R"({"code": "1"})");
}

TEST(OutputFamilies, CallsAreReadOnlyWhereAsked) {
  const std::string call = "<tool_call>{\"name\": \"get_weather\", \"arguments\": {}}</tool_call>";
  OutputParserOptions options{.tools = kTools, .parse_tool_calls = false};
  EXPECT_EQ(parse(hermes, call, options).content, call);
  EXPECT_EQ(parse(hermes, call, {}).content, call);
  options = {.tools = kTools, .tool_calls_max = 1};
  const OutputMessage message = parse(hermes, call + call, options);
  EXPECT_EQ(message.tool_calls.size(), 1u);
  EXPECT_EQ(message.content, call);
}

TEST(OutputFamilies, IdsAreOfTheSeedAndTheIndex) {
  const std::string call = "<tool_call>{\"name\": \"get_weather\", \"arguments\": {}}</tool_call>";
  const auto id = [&](const char* seed, size_t index) {
    return parse(hermes, call + call, {.tools = kTools, .id_seed = seed}).tool_calls[index].id;
  };
  EXPECT_EQ(id("a", 0), id("a", 0));
  EXPECT_NE(id("a", 0), id("a", 1));
  EXPECT_NE(id("a", 0), id("b", 0));
  EXPECT_EQ(id("a", 0).size(), 29u);
  EXPECT_TRUE(id("a", 0).starts_with("call_"));
  const OutputMessage mistral_call = parse(mistral, "[TOOL_CALLS]get_weather[ARGS]{}");
  EXPECT_EQ(mistral_call.tool_calls[0].id.size(), 9u);
}

TEST(OutputFamilies, TheParserKnowsWhereItIs) {
  OutputParser parser(format_of(hermes, "<think>", "</think>"),
                      {.tools = kTools, .generation_prompt = "<think>\n"});
  EXPECT_EQ(parser.phase(), OutputPhase::reasoning);
  parser.feed("a</think>b");
  EXPECT_EQ(parser.phase(), OutputPhase::content);
  parser.feed("<tool_call>{\"name\": \"get_weather\", \"arguments\": {");
  EXPECT_EQ(parser.phase(), OutputPhase::call);
}

TEST(OutputFamilies, LongRunsNeitherHangNorGrow) {
  const std::string blanks(100000, ' ');
  EXPECT_EQ(think(hermes, "a" + blanks + "b").content, "a" + blanks + "b");
  const std::string open(50000, '[');
  EXPECT_EQ(parse(llama3, "{" + open).content, "{" + open);
  const std::string call = "<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"a\": ";
  EXPECT_FALSE(parse(hermes, call + open).tool_calls[0].complete);
  std::string nested = "<|tool_call>call:get_weather{a:" + open;
  EXPECT_FALSE(parse(gemma4, nested).tool_calls[0].complete);
}

TEST(OutputTools, SchemasTellWhatIsText) {
  const auto tools = read_output_tools(R"([{"type": "function", "function": {"name": "f",
      "parameters": {"$defs": {"s": {"type": "string"}, "loop": {"$ref": "#/$defs/loop"}},
      "properties": {
        "text": {"type": "string"}, "number": {"type": "number"},
        "either": {"type": ["string", "null"]}, "one": {"enum": ["a", "b"]},
        "mixed": {"enum": ["a", 1]}, "constant": {"const": "x"},
        "any": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/s"}]},
        "referred": {"$ref": "#/$defs/s"}, "round": {"$ref": "#/$defs/loop"},
        "nowhere": {"$ref": "#/x/y"}, "empty": {}}}}}, {"name": "bare"}])");
  ASSERT_TRUE(tools.ok());
  ASSERT_EQ(tools->size(), 2u);
  EXPECT_EQ((*tools)[1].name, "bare");
  const OutputTool& tool = (*tools)[0];
  for (const char* name : {"text", "one", "constant", "any", "referred"})
    EXPECT_EQ(tool.kind_of(name), ParameterKind::text) << name;
  for (const char* name : {"number", "either", "mixed", "round", "nowhere", "empty", "unknown"})
    EXPECT_EQ(tool.kind_of(name), ParameterKind::other) << name;
}

TEST(OutputTools, RefusalsSayWhere) {
  for (const char* bad : {"", "{}", "[1]", "[{}]", R"([{"function": {"name": ""}}])",
                          R"([{"function": {"name": 5}}])"}) {
    const auto tools = read_output_tools(bad);
    ASSERT_FALSE(tools.ok()) << bad;
    EXPECT_EQ(tools.error().code(), ErrorCode::invalid_argument);
    EXPECT_TRUE(tools.error().message().starts_with("tools")) << tools.error().message();
  }
}

TEST(OutputFormats, NameWhatAServerMustKnow) {
  const auto has = [](const auto& list, std::string_view text) {
    return std::ranges::find(list, text) != list.end();
  };
  const OutputFormat format = format_of(harmony);
  EXPECT_TRUE(has(format.markers(), "<|channel|>"));
  EXPECT_TRUE(has(format.turn_ends(), "<|call|>"));
  EXPECT_TRUE(has(format_of(qwen_xml).call_openers(), "<tool_call>"));
  EXPECT_FALSE(has(format_of(llama3).call_openers(), "{"));
  EXPECT_TRUE(has(format_of(hermes, "<think>", "</think>").markers(), "</think>"));
  EXPECT_EQ(detect_output_format("").family, plain);
}

}  // namespace
}  // namespace troika
