// Templates as published with their models: what they print is what Jinja2 prints, byte for byte,
// and what they refuse is refused with their words.
#include <gtest/gtest.h>

#include <filesystem>

#include "chat_templates/fixture.h"
#include "support/shared.h"
#include "text/chat_template.h"
#include "text/jinja/template.h"

namespace troika::testing {
namespace {

constexpr std::string_view kRaised = "TemplateError: ";

/// JSON as Python writes it.
std::string python_json(const Json& value) {
  const auto tojson = jinja::Template::parse("{{ value|tojson }}");
  return *tojson->render({{"value", value}}, {}, rendering_time());
}

/// Calls with arguments as JSON text, as OpenAI's clients send them.
Json with_text_arguments(Json messages) {
  for (Json& message : messages)
    if (message.contains("tool_calls"))
      for (Json& call : message["tool_calls"])
        call["function"]["arguments"] = python_json(call["function"]["arguments"]);
  return messages;
}

struct Set {
  std::filesystem::path folder;
  Json cases;
};

std::optional<Set> open_set() {
  const auto folder = shared_fixtures("chat");
  if (!folder) return std::nullopt;
  return Set{*folder, Json::parse(read_whole(*folder / "cases.json"))};
}

std::vector<std::string> template_names(const Set& set) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(set.folder / "templates"))
    names.push_back(entry.path().stem());
  std::ranges::sort(names);
  return names;
}

std::string source_of(const Set& set, const std::string& name) {
  return read_whole(set.folder / "templates" / (name + ".jinja"));
}

std::vector<Json> expected_of(const Set& set, const std::string& name) {
  return read_lines(set.folder / "expected" / (name + ".jsonl"));
}

void expect_rendering(const jinja::Template& parsed, Json variables, const Json& expected) {
  Result<std::string> prompt = parsed.render(variables, {}, rendering_time());
  if (expected.contains("output")) {
    ASSERT_TRUE(prompt.ok()) << prompt.error().message();
    EXPECT_EQ(*prompt, expected["output"].get<std::string>());
    return;
  }
  const std::string error = expected["error"].get<std::string>();
  // Where no form of arguments is right, the error is that of the last one tried: text.
  if (prompt.ok()) {
    variables["messages"] = with_text_arguments(variables["messages"]);
    prompt = parsed.render(variables, {}, rendering_time());
  }
  ASSERT_FALSE(prompt.ok()) << "wanted " << error;
  if (error.starts_with(kRaised)) {
    EXPECT_EQ(prompt.error().code(), ErrorCode::invalid_argument);
    EXPECT_EQ(prompt.error().message(), error.substr(kRaised.size()));
  } else {
    EXPECT_EQ(prompt.error().code(), ErrorCode::unsupported);
    EXPECT_TRUE(prompt.error().message().starts_with("line ")) << prompt.error().message();
  }
}

TEST(ChatTemplates, PrintWhatJinja2Prints) {
  const auto set = open_set();
  if (!set) GTEST_SKIP();
  int64_t rendered = 0;
  for (const std::string& name : template_names(*set)) {
    const std::vector<Json> lines = expected_of(*set, name);
    const Result<jinja::Template> parsed = jinja::Template::parse(source_of(*set, name));
    ASSERT_TRUE(parsed.ok()) << name << ": " << parsed.error().message();
    for (size_t i = 1; i < lines.size(); i++) {
      SCOPED_TRACE(name + " " + lines[i]["case"].get<std::string>());
      Json variables = set->cases[lines[i]["case"].get<std::string>()];
      if (!variables.contains("add_generation_prompt")) variables["add_generation_prompt"] = true;
      for (const char* token : {"bos_token", "eos_token"}) variables[token] = lines[0][token];
      if (lines[i]["arguments"] == "string")
        variables["messages"] = with_text_arguments(variables["messages"]);
      expect_rendering(*parsed, variables, lines[i]);
      rendered++;
    }
  }
  EXPECT_GE(rendered, 1020);
}

ChatTemplate load(const Set& set, const std::string& name) {
  const Json head = expected_of(set, name)[0];
  Result<ChatTemplate> chat = ChatTemplate::make({.main = source_of(set, name),
                                                  .bos = head["bos_token"].get<std::string>(),
                                                  .eos = head["eos_token"].get<std::string>()});
  EXPECT_TRUE(chat.ok()) << name << ": " << chat.error().message();
  return *std::move(chat);
}

/// The cases that templates take without being told more than the messages. Dates and whether to
/// think are always told, so only cases are compared that Jinja2 was told to think in, too, and
/// templates that ask for no date.
TEST(ChatTemplates, MessagesOfOpenAIGiveTheSamePrompts) {
  const auto set = open_set();
  if (!set) GTEST_SKIP();
  int64_t compared = 0;
  for (const std::string& name : template_names(*set)) {
    const ChatTemplate chat = load(*set, name);
    if (chat.source().find("date_string") != std::string::npos) continue;
    for (const Json& line : expected_of(*set, name)) {
      const bool told =
          line.contains("case") && (line["case"] == "think_on" || line["case"] == "think_off");
      if (!told || !line.contains("output")) continue;
      SCOPED_TRACE(name + " " + line["case"].get<std::string>());
      const Json& given = set->cases[line["case"].get<std::string>()];
      const Result<std::string> prompt = chat.render(
          given["messages"], nullptr,
          {.enable_thinking = given["enable_thinking"].get<bool>(), .now = rendering_time()});
      ASSERT_TRUE(prompt.ok()) << prompt.error().message();
      EXPECT_EQ(*prompt, line["output"].get<std::string>());
      compared++;
    }
  }
  EXPECT_GE(compared, 90);
}

/// What a template cannot take as it comes (parts, arguments as text, a system message) is put into
/// a form that it takes.
TEST(ChatTemplates, TakeMessagesInOpenAIsShape) {
  const auto set = open_set();
  if (!set) GTEST_SKIP();
  for (const std::string& name : template_names(*set)) {
    if (name == "fireworks-ai-llama-3-firefunction-v2") continue;  // wants `functions`, too
    SCOPED_TRACE(name);
    const ChatTemplate chat = load(*set, name);
    const Result<std::string> parts = chat.render(set->cases["parts"]["messages"]);
    ASSERT_TRUE(parts.ok()) << parts.error().message();
    EXPECT_NE(parts->find("first part"), std::string::npos);
    EXPECT_NE(parts->find("second part"), std::string::npos);
    const Result<std::string> system = chat.render(set->cases["system_user"]["messages"]);
    ASSERT_TRUE(system.ok()) << system.error().message();
    EXPECT_NE(system->find("You are a helpful assistant."), std::string::npos);
    if (!chat.capabilities(true).tool_calls) continue;
    const Json& called = set->cases["tool_call"];
    const auto object = chat.render(called["messages"], called["tools"]);
    const auto text = chat.render(with_text_arguments(called["messages"]), called["tools"]);
    if (!object.ok()) continue;  // a tool that the template does not take
    ASSERT_TRUE(text.ok()) << text.error().message();
    EXPECT_EQ(*object, *text);
  }
}

TEST(ChatTemplates, ArgumentsAreGivenInTheFormThatWasFoundRight) {
  const auto set = open_set();
  if (!set) GTEST_SKIP();
  for (const std::string& name : template_names(*set)) {
    const ChatTemplate chat = load(*set, name);
    for (const Json& line : expected_of(*set, name)) {
      const bool shown = line.contains("case") && line["case"] == "tool_call" &&
                         line.contains("output") &&
                         line["output"].get<std::string>().find("celsius") != std::string::npos;
      if (!shown || !chat.capabilities(true).tool_calls) continue;
      EXPECT_EQ(chat.capabilities(true).object_arguments, line["arguments"] == "object") << name;
    }
  }
}

TEST(ChatTemplates, ProbesFindWhatTemplatesTake) {
  const auto set = open_set();
  if (!set) GTEST_SKIP();
  const ChatTemplate gemma2 = load(*set, "google-gemma-2-2b-it");
  EXPECT_FALSE(gemma2.capabilities().system_role);
  EXPECT_FALSE(gemma2.capabilities().tools);
  EXPECT_FALSE(gemma2.capabilities().tool_calls);
  const ChatTemplate llama = load(*set, "meta-llama-Llama-3.3-70B-Instruct");
  EXPECT_TRUE(llama.capabilities().tools);
  EXPECT_TRUE(llama.capabilities().tool_calls);
  EXPECT_FALSE(llama.capabilities().parallel_tool_calls);
  const ChatTemplate qwen = load(*set, "Qwen-Qwen3-0.6B");
  EXPECT_TRUE(qwen.capabilities().parallel_tool_calls);
  EXPECT_TRUE(qwen.capabilities().object_arguments);
  EXPECT_FALSE(qwen.capabilities().typed_content);
  EXPECT_FALSE(load(*set, "hub-deepseek_v3").capabilities().object_arguments);
  EXPECT_TRUE(load(*set, "hub-gemma3").capabilities().typed_content);
  const ChatTemplate harmony = load(*set, "openai-gpt-oss-120b");
  EXPECT_TRUE(harmony.capabilities().developer_role);
  EXPECT_EQ(harmony.capabilities().reasoning_key, "thinking");
}

TEST(ChatTemplates, GenerationPromptIsWhatItAdds) {
  const auto set = open_set();
  if (!set) GTEST_SKIP();
  const Json messages = set->cases["user"]["messages"];
  const auto added = [&](const std::string& name, bool thinking) {
    const auto text =
        load(*set, name).generation_prompt(messages, nullptr, {.enable_thinking = thinking});
    return text.ok() ? *text : text.error().message();
  };
  EXPECT_EQ(added("Qwen-Qwen3-0.6B", true), "<|im_start|>assistant\n");
  EXPECT_EQ(added("Qwen-Qwen3-0.6B", false), "<|im_start|>assistant\n<think>\n\n</think>\n\n");
  EXPECT_EQ(added("Qwen3.5-4B", true), "<|im_start|>assistant\n<think>\n");
}

}  // namespace
}  // namespace troika::testing
