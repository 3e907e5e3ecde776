// probe_chat_template(): what a template takes, found out by giving it things and looking for them
// in what it prints.
#include "text/chat_messages.h"

namespace troika {
namespace {

using Json = nlohmann::ordered_json;
using Render = std::function<Result<std::string>(const Json& messages, const Json& tools)>;

// Words that no template writes by itself.
constexpr std::string_view kContent = "probed content";
constexpr std::string_view kOther = "probed elsewhere";
constexpr std::string_view kTool = "probed_tool";
constexpr std::string_view kKey = "probed_key";
constexpr std::string_view kValue = "probed_value";

Json message(std::string_view role, Json content) {
  return {{"role", role}, {"content", std::move(content)}};
}

Json parts(std::string_view text) {
  return Json::array({Json{{"type", "text"}, {"text", text}}});
}

class Probe {
 public:
  Probe(const Render& render, bool typed) : render_(render), typed_(typed) {}

  bool shows(const Json& messages, const Json& tools, std::string_view text) const {
    const Result<std::string> prompt = render_(messages, tools);
    return prompt.ok() && prompt->find(text) != std::string::npos;
  }

  /// What is printed; nothing where the template refuses.
  std::optional<std::string> rendered(const Json& messages, const Json& tools) const {
    Result<std::string> prompt = render_(messages, tools);
    return prompt.ok() ? std::optional(*std::move(prompt)) : std::nullopt;
  }

  /// Content in the form that was found out before.
  Json content(std::string_view text) const { return typed_ ? parts(text) : Json(text); }

  Json user(std::string_view text = kOther) const { return message("user", content(text)); }

  /// A conversation with calls of the tool that have these arguments.
  Json calling(const std::vector<Json>& arguments) const {
    Json calls = Json::array();
    Json messages = Json::array({user()});
    Json answers = Json::array();
    for (size_t i = 0; i < arguments.size(); i++) {
      const std::string id = fmt::format("probe000{}", i + 1);  // nine characters: Mistral counts
      calls.push_back(
          {{"id", id},
           {"type", "function"},
           {"function", {{"name", fmt::format("{}{}", kTool, i)}, {"arguments", arguments[i]}}}});
      Json answer = message("tool", content(kOther));
      answer["tool_call_id"] = id;
      answer["name"] = fmt::format("{}{}", kTool, i);
      answers.push_back(std::move(answer));
    }
    Json asking = message("assistant", content(""));
    asking["tool_calls"] = std::move(calls);
    messages.push_back(std::move(asking));
    for (Json& answer : answers) messages.push_back(std::move(answer));
    return messages;
  }

  static Json tools() {
    const Json parameters = {{"type", "object"},
                             {"properties", {{kKey, {{"type", "string"}, {"description", kKey}}}}},
                             {"required", Json::array({kKey})}};
    const Json function = {{"name", kTool}, {"description", kTool}, {"parameters", parameters}};
    return Json::array({Json{{"type", "function"}, {"function", function}}});
  }

 private:
  const Render& render_;
  bool typed_;
};

void probe_calls(const Probe& probe, ChatCapabilities& takes) {
  const Json object = {{kKey, kValue}};
  const Json text = object.dump();
  const auto prints = [&](const Json& arguments) -> std::optional<std::string> {
    const Json messages = probe.calling({arguments});
    for (const Json& tools : {Probe::tools(), Json()})
      if (const auto prompt = probe.rendered(messages, tools);
          prompt && prompt->find(fmt::format("{}0", kTool)) != std::string::npos)
        return prompt;
    return std::nullopt;
  };
  const auto of_object = prints(object);
  const auto of_text = prints(text);
  takes.tool_calls = of_object || of_text;
  // As Python prints a dict it was never meant to be read.
  const bool good_object = of_object && of_object->find(kValue) != std::string::npos &&
                           of_object->find(fmt::format("'{}'", kKey)) == std::string::npos;
  takes.object_arguments = good_object || (of_object && !of_text);
  const Json arguments = takes.object_arguments ? object : text;
  const std::string second = fmt::format("{}1", kTool);
  const Json both = probe.calling({arguments, arguments});
  takes.parallel_tool_calls =
      probe.shows(both, Probe::tools(), second) || probe.shows(both, nullptr, second);
}

/// The key under which a template that knows no reasoning_content reads reasoning.
std::string reasoning_key(std::string_view source) {
  if (source.find("reasoning_content") != std::string_view::npos) return {};
  for (const std::string_view key : {"thinking", "reasoning", "thought"})
    for (const std::string& use :
         {fmt::format("message.{}", key), fmt::format("message['{}']", key),
          fmt::format("message[\"{}\"]", key)})
      if (source.find(use) != std::string_view::npos) return std::string(key);
  return {};
}

}  // namespace

ChatCapabilities probe_chat_template(std::string_view source, const Render& render) {
  ChatCapabilities takes;
  const Probe plain(render, false);
  takes.text_content = plain.shows(Json::array({message("user", kContent)}), nullptr, kContent);
  const Result<std::string> typed =
      render(Json::array({message("user", parts(kContent))}), nullptr);
  takes.typed_content = typed.ok() && typed->find(kContent) != std::string::npos &&
                        typed->find("'text'") == std::string::npos &&
                        typed->find("\"text\"") == std::string::npos;
  if (!takes.typed_content) takes.text_content = true;
  const Probe probe(render, !takes.text_content);
  takes.system_role = probe.shows(
      Json::array({message("system", probe.content(kContent)), probe.user()}), nullptr, kContent);
  // Harmony alone has a developer beside the system.
  takes.developer_role = source.find("<|channel|>") != std::string_view::npos;
  takes.tools = probe.shows(Json::array({probe.user()}), Probe::tools(), kTool);
  probe_calls(probe, takes);
  takes.trims_content = source.find("<im_patch>") != std::string_view::npos;  // StepFun 3.5
  takes.reasoning_key = reasoning_key(source);
  return takes;
}

}  // namespace troika
