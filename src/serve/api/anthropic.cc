#include "serve/api/anthropic.h"

#include <fmt/format.h>

#include <utility>

#include "core/printable.h"

namespace troika::serve {
namespace {

/// A string, or the texts of a list of text blocks joined.
std::string joined_text(Fields& fields, std::string_view name) {
  const Json* json = fields.find(name);
  if (json == nullptr) return {};
  if (json->is_string()) return json->get<std::string>();
  if (!json->is_array()) {
    fields.refuse_kind(name, *json, "a string or a list of blocks");
    return {};
  }
  std::string text;
  for (size_t i = 0; i < json->size() && !fields.refused(); i++) {
    Fields block((*json)[i], fields.refusal(), fields.path_of(fmt::format("{}[{}].", name, i)));
    std::string type = "text";
    block.read("type", type);
    if (type != "text")
      block.refuse(
          "type", fmt::format("{} is \"{}\", wanted text", block.path_of("type"), printable(type)));
    text += block.wanted_string("text");
  }
  return text;
}

/// One message of theirs, which may be several of OpenAI's: results of tools stand alone.
class MessageReader {
 public:
  MessageReader(Fields& fields, Json& messages) : fields_(fields), messages_(messages) {}

  void read(const Json& json, size_t number) {
    Fields message(json, fields_.refusal(), fmt::format("messages[{}].", number));
    if (!message.has("role")) message.refuse("role", message.path_of("role") + " is missing");
    std::string role;
    message.read_choice("role", role, {"user", "assistant", "system"});
    const Json* content = message.find("content");
    if (content == nullptr)
      return message.refuse("content", message.path_of("content") + " is missing");
    if (content->is_string()) return messages_.push_back({{"role", role}, {"content", *content}});
    if (!content->is_array())
      return message.refuse_kind("content", *content, "a string or a list of blocks");
    out_ = {{"role", role}, {"content", nullptr}};
    for (size_t i = 0; i < content->size() && !fields_.refused(); i++) {
      Fields block((*content)[i], fields_.refusal(),
                   message.path_of(fmt::format("content[{}].", i)));
      read_block(block);
    }
    if (out_.size() > 2 || !out_["content"].is_null() || content->empty()) push();
  }

 private:
  void read_block(Fields& block) {
    const std::string type = block.wanted_string("type");
    if (block.refused()) return;
    if (type == "text") {
      if (out_["content"].is_null()) out_["content"] = "";
      out_["content"] = out_["content"].get<std::string>() + block.wanted_string("text");
    } else if (type == "thinking") {
      out_["reasoning_content"] = block.wanted_string("thinking");
    } else if (type == "tool_use") {
      const Json* input = block.object("input");
      out_["tool_calls"].push_back({{"id", block.wanted_string("id")},
                                    {"type", "function"},
                                    {"function",
                                     {{"name", block.wanted_string("name")},
                                      {"arguments", input != nullptr ? to_text(*input) : "{}"}}}});
    } else if (type == "tool_result") {
      messages_.push_back({{"role", "tool"},
                           {"tool_call_id", block.wanted_string("tool_use_id")},
                           {"content", joined_text(block, "content")}});
    } else if (type != "redacted_thinking") {
      block.refuse("type", fmt::format("{} is \"{}\", wanted text, thinking, tool_use or "
                                       "tool_result",
                                       block.path_of("type"), printable(type)));
    }
  }

  void push() {
    if (out_["role"] == "user" && out_["content"].is_null()) out_["content"] = "";
    messages_.push_back(std::exchange(out_, {}));
  }

  Fields& fields_;
  Json& messages_;
  Json out_;
};

void read_tools(Fields& fields, ChatRequest& request) {
  const Json* tools = fields.list("tools");
  if (tools == nullptr) return;
  for (size_t i = 0; i < tools->size() && !fields.refused(); i++) {
    Fields tool((*tools)[i], fields.refusal(), fmt::format("tools[{}].", i));
    Json function = {{"name", tool.wanted_string("name")}};
    std::string description;
    tool.read("description", description);
    if (!description.empty()) function["description"] = description;
    const Json* schema = tool.object("input_schema");
    if (schema == nullptr)
      tool.refuse("input_schema", tool.path_of("input_schema") + " is missing, wanted an object");
    else
      function["parameters"] = *schema;
    request.tools.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
}

void read_tool_choice(Fields& fields, ChatRequest& request) {
  const Json* json = fields.object("tool_choice");
  if (json == nullptr) return;
  Fields choice(*json, fields.refusal(), "tool_choice.");
  std::string type = "auto";
  choice.read_choice("type", type, {"auto", "any", "tool", "none"});
  bool alone = false;
  choice.read("disable_parallel_tool_use", alone);
  request.parallel_tool_calls = !alone;
  if (type == "none") request.tool_choice = ToolChoice::none;
  if (type == "any") request.tool_choice = ToolChoice::required;
  if (type != "tool") return;
  request.tool_choice = ToolChoice::named;
  request.tool_name = choice.wanted_string("name");
}

}  // namespace

ChatRequest read_anthropic_request(Fields& fields) {
  ChatRequest request;
  const std::string system = joined_text(fields, "system");
  if (!system.empty()) request.messages.push_back({{"role", "system"}, {"content", system}});
  if (const Json* messages = fields.wanted_list("messages")) {
    if (messages->empty() || messages->size() > kMessagesMax)
      fields.refuse("messages", fmt::format("messages has {} entries, wanted 1 to {}",
                                            messages->size(), kMessagesMax));
    MessageReader reader(fields, request.messages);
    for (size_t i = 0; i < messages->size() && !fields.refused(); i++)
      reader.read((*messages)[i], i);
  }
  read_tools(fields, request);
  read_tool_choice(fields, request);
  if (const Json* thinking = fields.object("thinking")) {
    Fields inner(*thinking, fields.refusal(), "thinking.");
    std::string type = "enabled";
    inner.read_choice("type", type, {"enabled", "disabled", "adaptive"});
    request.enable_thinking = type != "disabled";
  }
  if (request.tools.is_null() && request.tool_choice != ToolChoice::automatic &&
      request.tool_choice != ToolChoice::none)
    fields.refuse("tool_choice", "tool_choice wants a call, and there are no tools");
  return request;
}

}  // namespace troika::serve
