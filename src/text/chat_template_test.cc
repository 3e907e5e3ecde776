#include "text/chat_template.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

using Json = nlohmann::ordered_json;

const Json kTurns = Json::array({Json{{"role", "system"}, {"content", "Be brief."}},
                                 Json{{"role", "user"}, {"content", "Hi\nthere"}}});
const Json kTools = Json::array(
    {Json{{"type", "function"}, {"function", {{"name", "look"}, {"parameters", Json::object()}}}}});

ChatTemplate make(ChatTemplateSource source) {
  Result<ChatTemplate> chat = ChatTemplate::make(std::move(source));
  EXPECT_TRUE(chat.ok()) << chat.error().message();
  return *std::move(chat);
}

std::string text_of(const Result<std::string>& prompt) {
  return prompt.ok() ? *prompt : "error: " + prompt.error().message();
}

/// A template for messages with this in the place of each.
std::string each(const std::string& message) {
  return "{% for message in messages %}" + message +
         "{% endfor %}{% if add_generation_prompt %}<A>{% endif %}";
}

TEST(ChatTemplate, IsChatmlWhereThereIsNone) {
  const ChatTemplate chat = make({});
  EXPECT_TRUE(chat.is_builtin());
  ASSERT_EQ(chat.warnings().size(), 1u);
  EXPECT_NE(chat.warnings()[0].find("no chat template"), std::string::npos);
  EXPECT_EQ(text_of(chat.render(kTurns)),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi\nthere<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(text_of(chat.render(kTurns, nullptr, {.add_generation_prompt = false})),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi\nthere<|im_end|>\n");
}

TEST(ChatTemplate, ChatmlHasAName) {
  const ChatTemplate chat = make({.main = "chatml"});
  EXPECT_TRUE(chat.is_builtin());
  EXPECT_TRUE(chat.warnings().empty());
  EXPECT_TRUE(text_of(chat.render(kTurns)).starts_with("<|im_start|>system\n"));
}

TEST(ChatTemplate, BrokenTemplatesAreRefusedByName) {
  const auto broken = ChatTemplate::make({.main = "{% if %}"});
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code(), ErrorCode::corrupt);
  EXPECT_TRUE(broken.error().message().starts_with("the chat template: line 1"));
  const auto tools = ChatTemplate::make({.main = "a", .tool_use = "{{"});
  ASSERT_FALSE(tools.ok());
  EXPECT_TRUE(tools.error().message().starts_with("the chat template for tools: line 1"));
}

TEST(ChatTemplate, ToolsHaveTheirOwnTemplate) {
  const ChatTemplate chat = make(
      {.main = each("m:{{ message.content }};"), .tool_use = each("t:{{ message.content }};")});
  const Json user = Json::array({kTurns[1]});
  EXPECT_EQ(text_of(chat.render(user)), "m:Hi\nthere;<A>");
  EXPECT_EQ(text_of(chat.render(user, Json::array())), "m:Hi\nthere;<A>");
  EXPECT_EQ(text_of(chat.render(user, kTools)), "t:Hi\nthere;<A>");
}

TEST(ChatTemplate, LeavesOutWhatTheTokenizerAdds) {
  const std::string source = "{{ bos_token }}" + each("{{ message.content }}") + "{{ eos_token }}";
  const Json user = Json::array({Json{{"role", "user"}, {"content", "x"}}});
  EXPECT_EQ(text_of(make({.main = source, .bos = "<s>", .eos = "</s>"}).render(user)),
            "<s>x<A></s>");
  EXPECT_EQ(
      text_of(
          make({.main = source, .bos = "<s>", .eos = "</s>", .adds_bos = true, .adds_eos = true})
              .render(user)),
      "x<A>");
}

TEST(ChatTemplate, TellsVariables) {
  const ChatTemplate chat =
      make({.main = "{{ enable_thinking }} {{ date_string }} {{ datetime }} {{ tools is defined }} "
                    "{{ add_generation_prompt is defined }} {{ effort }}"});
  std::tm now{};
  now.tm_year = 124;
  now.tm_mon = 6;
  now.tm_mday = 26;
  EXPECT_EQ(text_of(chat.render(
                kTurns, nullptr,
                {.add_generation_prompt = false, .variables = {{"effort", "high"}}, .now = now})),
            "True 26 Jul 2024 Jul 26 2024 False False high");
  EXPECT_EQ(text_of(chat.render(
                kTurns, kTools,
                {.enable_thinking = false, .variables = {{"date_string", "today"}}, .now = now})),
            "False today Jul 26 2024 True True ");
}

TEST(ChatTemplate, JoinsPartsWhereTextIsWanted) {
  const ChatTemplate chat = make({.main = each("{{ '[' + message.content + ']' }}")});
  EXPECT_TRUE(chat.capabilities().text_content);
  EXPECT_FALSE(chat.capabilities().typed_content);
  const Json parts =
      Json::array({Json{{"type", "text"}, {"text", "a"}}, Json{{"type", "text"}, {"text", "b"}}});
  EXPECT_EQ(text_of(chat.render(Json::array({Json{{"role", "user"}, {"content", parts}}}))),
            "[ab]<A>");
}

TEST(ChatTemplate, MakesPartsWhereTheyAreWanted) {
  const ChatTemplate chat =
      make({.main = each("{% for part in message.content %}({{ part.text + '' }}){% endfor %}")});
  EXPECT_FALSE(chat.capabilities().text_content);
  EXPECT_TRUE(chat.capabilities().typed_content);
  EXPECT_EQ(text_of(chat.render(kTurns)), "(Be brief.)(Hi\nthere)<A>");
}

TEST(ChatTemplate, SystemTextGoesToTheUserWhereThereIsNoSuchRole) {
  const ChatTemplate chat = make(
      {.main =
           "{% if messages[0].role == 'system' %}{{ raise_exception('No system') }}{% endif %}" +
           each("{{ message.role }}:{{ message.content }};")});
  EXPECT_FALSE(chat.capabilities().system_role);
  EXPECT_EQ(text_of(chat.render(kTurns)), "user:Be brief.\nHi\nthere;<A>");
  EXPECT_EQ(text_of(chat.render(Json::array({kTurns[0]}))), "user:Be brief.;<A>");
}

TEST(ChatTemplate, DevelopersAreTheSystemButForHarmony) {
  const Json developer = Json::array({Json{{"role", "developer"}, {"content", "x"}}});
  const std::string source = each("{{ message.role }}:{{ message.content }};");
  EXPECT_EQ(text_of(make({.main = source}).render(developer)), "system:x;<A>");
  EXPECT_EQ(text_of(make({.main = source + "{# <|channel|> #}"}).render(developer)),
            "developer:x;<A>");
}

Json calling(const Json& arguments) {
  return Json::array(
      {Json{{"role", "user"}, {"content", "q"}},
       Json{{"role", "assistant"},
            {"content", nullptr},
            {"tool_calls",
             Json::array({Json{{"id", "1"},
                               {"type", "function"},
                               {"function", {{"name", "f"}, {"arguments", arguments}}}}})}}});
}

TEST(ChatTemplate, ArgumentsComeAsTheTemplateReadsThem) {
  const std::string before =
      "{{ message.content }}{% for call in message.tool_calls or [] %}"
      "{{ call.function.name }}=";
  const ChatTemplate object =
      make({.main = each(before + "{{ call.function.arguments|tojson }}{% endfor %}")});
  EXPECT_TRUE(object.capabilities().tool_calls);
  EXPECT_TRUE(object.capabilities().parallel_tool_calls);
  EXPECT_TRUE(object.capabilities().object_arguments);
  EXPECT_EQ(text_of(object.render(calling("{\"a\":[1]}"))), "qf={\"a\": [1]}<A>");
  EXPECT_EQ(text_of(object.render(calling(Json{{"a", 1}}))), "qf={\"a\": 1}<A>");
  EXPECT_EQ(text_of(object.render(calling(""))), "qf={}<A>");
  EXPECT_EQ(text_of(object.render(calling("no json"))), "qf=\"no json\"<A>");
  EXPECT_EQ(text_of(object.render(calling(std::string(100000, '[')))).substr(0, 5), "qf=\"[");

  const ChatTemplate text =
      make({.main = each(before + "{{ '' + call.function.arguments }}{% endfor %}")});
  EXPECT_FALSE(text.capabilities().object_arguments);
  EXPECT_EQ(text_of(text.render(calling("{\"a\":[1]}"))), "qf={\"a\":[1]}<A>");
  EXPECT_EQ(text_of(text.render(calling(Json{{"a", "\xFF"}}))), "qf={\"a\": \"\xEF\xBF\xBD\"}<A>");

  const ChatTemplate printed =
      make({.main = each(before + "{{ call.function.arguments }}{% endfor %}")});
  EXPECT_FALSE(printed.capabilities().object_arguments);
}

TEST(ChatTemplate, ReasoningReachesTheKeyThatIsRead) {
  const Json messages =
      Json::array({Json{{"role", "assistant"}, {"content", "c"}, {"reasoning_content", "r"}}});
  EXPECT_EQ(text_of(make({.main = each("{{ message.thinking }}")}).render(messages)), "r<A>");
  EXPECT_EQ(text_of(make({.main = each("{{ message['reasoning'] }}")}).render(messages)), "r<A>");
  EXPECT_EQ(text_of(make({.main = each("{{ message.reasoning_content }}")}).render(messages)),
            "r<A>");
}

TEST(ChatTemplate, RefusesWhatAreNoMessagesByPlace) {
  const ChatTemplate chat = make({});
  for (const auto& [messages, words] : std::vector<std::pair<Json, std::string>>{
           {Json{{"role", "user"}}, "messages is object"},
           {Json::array({1}), "messages[0] is no message"},
           {Json::array({kTurns[0], Json{{"content", "x"}}}), "messages[1] is no message"},
           {Json::array({Json{{"role", "user"}, {"content", 1}}}), "messages[0].content is number"},
           {Json::array({Json{{"role", "user"}, {"content", Json::array({1})}}}),
            "messages[0].content[0] is no part"},
           {Json::array(
                {Json{{"role", "user"}, {"content", Json::array({Json{{"type", "image_url"}}})}}}),
            "of type image_url, wanted a text"},
           {Json::array({Json{{"role", "assistant"}, {"tool_calls", 1}}}), "tool_calls is number"},
           {Json::array({Json{{"role", "assistant"}, {"tool_calls", Json::array({1})}}}),
            "tool_calls[0] is no call"}}) {
    const auto prompt = chat.render(messages);
    ASSERT_FALSE(prompt.ok()) << messages;
    EXPECT_EQ(prompt.error().code(), ErrorCode::invalid_argument);
    EXPECT_NE(prompt.error().message().find(words), std::string::npos) << prompt.error().message();
  }
  EXPECT_FALSE(chat.render(kTurns, Json(1)).ok());
}

TEST(ChatTemplate, DeepInputIsRefused) {
  Json deep = 1;
  for (int i = 0; i < 5000; i++) deep = Json::array({std::move(deep)});
  const ChatTemplate chat = make({});
  const Json messages = Json::array({Json{{"role", "user"}, {"content", "x"}, {"more", deep}}});
  EXPECT_EQ(chat.render(messages).error().code(), ErrorCode::exhausted);
  EXPECT_EQ(chat.render(kTurns, Json::array({deep})).error().code(), ErrorCode::exhausted);
  EXPECT_EQ(chat.render(kTurns, nullptr, {.variables = {{"x", deep}}}).error().code(),
            ErrorCode::exhausted);
}

TEST(ChatTemplate, GenerationPromptIsTheDifference) {
  EXPECT_EQ(text_of(make({}).generation_prompt(kTurns)), "<|im_start|>assistant\n");
  EXPECT_EQ(text_of(make({.main = each("x")})
                        .generation_prompt(kTurns, nullptr, {.add_generation_prompt = false})),
            "<A>");
}

TEST(ChatTemplate, ContinuesTheFinalMessage) {
  const auto continued = [](const ChatTemplate& chat, const Json& answer) {
    Json messages = Json::array({kTurns[1], answer});
    return text_of(chat.render(messages, nullptr, {.continue_final_message = true}));
  };
  const ChatTemplate plain = make({.main = each("{{ message.content }};")});
  EXPECT_EQ(continued(plain, {{"role", "assistant"}, {"content", "So"}}), "Hi\nthere;<A>So");
  EXPECT_NE(continued(plain, kTurns[1]).find("not the assistant's"), std::string::npos);
  const ChatTemplate opens = make({.main = each("{{ message.content }};") + "<think>{{ '\\n' }}"});
  EXPECT_EQ(continued(opens, {{"role", "assistant"}, {"reasoning_content", "Well"}}),
            "Hi\nthere;<A><think>\nWell");
  EXPECT_EQ(
      continued(opens, {{"role", "assistant"}, {"content", "So"}, {"reasoning_content", "Well"}}),
      "Hi\nthere;<A><think>\nWell\n</think>\n\nSo");
}

TEST(ChatTemplate, NextTurnFollowsTheAnswer) {
  EXPECT_EQ(text_of(make({}).next_turn("More?")),
            "<|im_end|>\n<|im_start|>user\nMore?<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_NE(text_of(make({.main = "x"}).next_turn("More?")).find("does not show"),
            std::string::npos);
}

}  // namespace
}  // namespace troika
