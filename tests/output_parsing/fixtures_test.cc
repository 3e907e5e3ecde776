// The cases of ../shared/fixtures/chat/parse.jsonl: what a server must make of an output, also
// where it arrives byte by byte or in pieces of any size.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

#include "output_parsing/output_fixtures.h"
#include "support/grammar_texts.h"
#include "text/output/call_grammar.h"
#include "text/output/json_text.h"

namespace troika {
namespace {

using Json = nlohmann::ordered_json;
using testing::expect_same;

const std::filesystem::path kChat =
    std::filesystem::path(TROIKA_SOURCE_DIR) / "../shared/fixtures/chat";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

OutputFormat format_of(const std::string& name) {
  const std::string source = read_file(kChat / "templates" / (name + ".jinja"));
  EXPECT_FALSE(source.empty()) << name;
  return detect_output_format(source);
}

std::vector<Json> cases() {
  std::vector<Json> cases;
  std::ifstream file(kChat / "parse.jsonl");
  for (std::string line; std::getline(file, line);) cases.push_back(Json::parse(line));
  return cases;
}

OutputParserOptions options_of(const Json& test) {
  return {.tools = read_output_tools(read_file(kChat / "tools.json")).value(),
          .generation_prompt = test.at("generation_prompt"),
          .id_seed = "seed"};
}

void expect_message(const OutputMessage& got, const Json& want) {
  EXPECT_EQ(trimmed(got.reasoning), want.at("reasoning_content").get<std::string>());
  EXPECT_EQ(trimmed(got.content), want.at("content").get<std::string>());
  const Json& calls = want.at("tool_calls");
  ASSERT_EQ(got.tool_calls.size(), calls.size());
  for (size_t i = 0; i < calls.size(); i++) {
    const ToolCall& call = got.tool_calls[i];
    EXPECT_EQ(call.name, calls[i].at("name"));
    if (calls[i].contains("id")) {
      EXPECT_EQ(call.id, calls[i].at("id"));
    }
    EXPECT_EQ(call.complete, !calls[i].at("arguments").is_null());
    if (call.complete) {
      EXPECT_EQ(Json::parse(call.arguments), calls[i].at("arguments"));
    }
  }
}

class OutputFixtures : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kChat)) GTEST_SKIP() << "no ../shared/fixtures/chat here";
  }
};

TEST_F(OutputFixtures, EveryCaseHoldsHoweverItIsCut) {
  std::mt19937 random(1);
  int count = 0;
  for (const Json& test : cases()) {
    SCOPED_TRACE(test.at("name").get<std::string>());
    const OutputFormat format = format_of(test.at("template"));
    const OutputParserOptions options = options_of(test);
    const std::string output = test.at("output");
    const OutputMessage whole = testing::parse(format, options, output);
    expect_message(whole, test.at("expect"));
    for (int i = 0; i < 50; i++)
      expect_same(
          testing::parse_in_pieces(format, options, output, [&random] { return 1 + random() % 9; }),
          whole, true);
    count++;
  }
  EXPECT_EQ(count, 43);
}

// Wherever it stops, what was said until then was right: a prefix of the whole, no part of a
// marker.
TEST_F(OutputFixtures, WhatIsSaidEarlyIsNeverTakenBack) {
  for (const Json& test : cases()) {
    SCOPED_TRACE(test.at("name").get<std::string>());
    const OutputFormat format = format_of(test.at("template"));
    const OutputParserOptions options = options_of(test);
    const std::string output = test.at("output");
    const OutputMessage whole = testing::parse_whole(format, options, output);
    OutputParser parser(format, options);
    for (const char c : output) {
      static_cast<void>(parser.feed({&c, 1}));
      const OutputMessage& now = parser.message();
      EXPECT_TRUE(whole.reasoning.starts_with(now.reasoning)) << now.reasoning;
      EXPECT_TRUE(whole.content.starts_with(now.content)) << now.content;
      ASSERT_LE(now.tool_calls.size(), whole.tool_calls.size());
      for (size_t i = 0; i < now.tool_calls.size(); i++)
        EXPECT_TRUE(whole.tool_calls[i].arguments.starts_with(now.tool_calls[i].arguments));
    }
  }
}

// What models wrote is what the grammar of their format lets them write, calls with the arguments
// that the tools take.
TEST_F(OutputFixtures, GrammarsAllowThem) {
  const Json tools = Json::parse(read_file(kChat / "tools.json"));
  std::vector<CallTool> calls;
  for (size_t i = 0; i < tools.size(); i++)
    calls.push_back({read_output_tools(tools.dump()).value()[i],
                     tools[i].at("function").at("parameters").dump()});
  int whole = 0;
  for (const Json& test : cases()) {
    SCOPED_TRACE(test.at("name").get<std::string>());
    const OutputFormat format = format_of(test.at("template"));
    if (!marks_calls(format.family)) continue;
    grammar::Grammar g;
    const auto reasoning = add_reasoning(g, format, test.at("generation_prompt").get<std::string>(),
                                         {.may_end = true});
    const auto text = add_text_with_calls(g, format, calls, true);
    ASSERT_TRUE(text.ok()) << text.error().message();
    g.set_root(g.sequence({reasoning, *text}));
    const auto grammar = compile_grammar(std::move(g), testing::byte_vocabulary());
    ASSERT_TRUE(grammar.ok()) << grammar.error().message();
    const std::string output = test.at("output");
    if (test.at("name") == "coder no parameters") {  // one of them is required
      EXPECT_FALSE(testing::begins(*grammar, output));
    } else if (test.at("name") == "qwen3 partial arguments") {
      EXPECT_TRUE(testing::begins(*grammar, output));
    } else {
      EXPECT_TRUE(testing::matches(*grammar, output));
      whole++;
    }
  }
  EXPECT_GT(whole, 30);
}

struct Detected {
  const char* name;
  OutputFamily family;
  std::string_view reasoning_open;
};

constexpr std::string_view kThink = "<think>";

constexpr Detected kDetected[] = {
    {"Apertus-8B-Instruct", OutputFamily::apertus, "<|inner_prefix|>"},
    {"Apriel-1.6-15b-Thinker-fixed", OutputFamily::apriel, "Here are my reasoning steps:\n"},
    {"Bielik-11B-v3.0-Instruct", OutputFamily::hermes, kThink},
    {"ByteDance-Seed-OSS", OutputFamily::seed_oss, "<seed:think>"},
    {"Cohere2MoE", OutputFamily::cohere, "<|START_THINKING|>"},
    {"CohereForAI-c4ai-command-r-plus-tool_use", OutputFamily::plain, ""},
    {"CohereForAI-c4ai-command-r7b-12-2024-tool_use", OutputFamily::cohere, "<|START_THINKING|>"},
    {"GLM-4.6", OutputFamily::glm, kThink},
    {"GLM-5.2", OutputFamily::glm, kThink},
    {"GigaChat3.1-10B-A1.8B", OutputFamily::gigachat, ""},
    {"HuggingFaceTB-SmolLM3-3B", OutputFamily::plain, kThink},
    {"Kimi-K2-Instruct", OutputFamily::kimi_k2, ""},
    {"Kimi-K2-Thinking", OutputFamily::kimi_k2, kThink},
    {"LFM2-8B-A1B", OutputFamily::lfm2, ""},
    {"MiMo-VL", OutputFamily::hermes, ""},
    {"Mistral-Small-3.2-24B-Instruct-2506", OutputFamily::mistral, ""},
    {"NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", OutputFamily::qwen_xml, kThink},
    {"NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", OutputFamily::hermes, ""},
    {"Qwen-QwQ-32B", OutputFamily::hermes, kThink},
    {"Qwen-Qwen2.5-7B-Instruct", OutputFamily::hermes, ""},
    {"Qwen3-Coder", OutputFamily::qwen_xml, ""},
    {"Qwen3.5-4B", OutputFamily::qwen_xml, kThink},
    {"StepFun3.5-Flash", OutputFamily::qwen_xml, kThink},
    {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B", OutputFamily::deepseek_v3, kThink},
    {"deepseek-ai-DeepSeek-V3.1", OutputFamily::deepseek_v31, kThink},
    {"deepseek-ai-DeepSeek-V4", OutputFamily::deepseek_dsml, kThink},
    {"fireworks-ai-llama-3-firefunction-v2", OutputFamily::firefunction, ""},
    {"google-gemma-2-2b-it", OutputFamily::plain, ""},
    {"google-gemma-4-31B-it-interleaved", OutputFamily::gemma4, "<|channel>thought\n"},
    {"hub-llama3_1", OutputFamily::plain, ""},
    {"ibm-granite-granite-3.3-2B-Instruct", OutputFamily::granite, kThink},
    {"llama-cpp-deepseek-r1", OutputFamily::deepseek_v3, kThink},
    {"meetkai-functionary-medium-v3.1", OutputFamily::functionary31, ""},
    {"meetkai-functionary-medium-v3.2", OutputFamily::functionary, ""},
    {"meta-llama-Llama-3.2-3B-Instruct", OutputFamily::llama3, ""},
    {"meta-llama-Llama-3.3-70B-Instruct", OutputFamily::llama3, ""},
    {"microsoft-Phi-3.5-mini-instruct", OutputFamily::plain, ""},
    {"mistralai-Ministral-3-14B-Reasoning-2512", OutputFamily::mistral, "[THINK]"},
    {"openai-gpt-oss-120b", OutputFamily::harmony, ""},
    {"unsloth-mistral-Devstral-Small-2507", OutputFamily::mistral, ""},
};

TEST_F(OutputFixtures, TemplatesTellTheirFormat) {
  for (const Detected& detected : kDetected) {
    SCOPED_TRACE(detected.name);
    const OutputFormat format = format_of(detected.name);
    EXPECT_EQ(output_family_name(format.family), output_family_name(detected.family));
    EXPECT_EQ(format.reasoning_open, detected.reasoning_open);
  }
}

}  // namespace
}  // namespace troika
