#include "serve/api/responses_request.h"

#include <fmt/format.h>

#include <utility>

#include "core/printable.h"

namespace troika::serve {
namespace {

/// Content of a message: a string, or parts of type input_text or output_text.
std::string content_text(Fields& fields, std::string_view name) {
  const Json* json = fields.find(name);
  if (json == nullptr) {
    fields.refuse(name, fields.path_of(name) + " is missing, wanted text");
    return {};
  }
  if (json->is_string()) return json->get<std::string>();
  if (!json->is_array()) {
    fields.refuse_kind(name, *json, "a string or a list of parts");
    return {};
  }
  std::string text;
  for (size_t i = 0; i < json->size() && !fields.refused(); i++) {
    Fields part((*json)[i], fields.refusal(), fields.path_of(fmt::format("{}[{}].", name, i)));
    std::string type = "input_text";
    part.read_choice("type", type, {"input_text", "output_text", "text"});
    text += part.wanted_string("text");
  }
  return text;
}

void read_item(Fields& item, Json& messages) {
  std::string type = "message";
  item.read_choice("type", type, {"message", "function_call", "function_call_output", "reasoning"});
  if (item.refused() || type == "reasoning") return;
  if (type == "message") {
    std::string role = "user";
    item.read_choice("role", role, {"user", "assistant", "system", "developer"});
    messages.push_back({{"role", role}, {"content", content_text(item, "content")}});
  } else if (type == "function_call_output") {
    messages.push_back({{"role", "tool"},
                        {"tool_call_id", item.wanted_string("call_id")},
                        {"content", content_text(item, "output")}});
  } else {
    Json call = {
        {"id", item.wanted_string("call_id")},
        {"type", "function"},
        {"function",
         {{"name", item.wanted_string("name")}, {"arguments", item.wanted_string("arguments")}}}};
    if (messages.empty() || messages.back()["role"] != "assistant")
      messages.push_back({{"role", "assistant"}, {"content", nullptr}});
    messages.back()["tool_calls"].push_back(std::move(call));
  }
}

void read_input(Fields& fields, Json& messages) {
  const Json* input = fields.find("input");
  if (input == nullptr) return fields.refuse("input", "input is missing, wanted text or a list");
  if (input->is_string()) return messages.push_back({{"role", "user"}, {"content", *input}});
  if (!input->is_array()) return fields.refuse_kind("input", *input, "a string or a list");
  if (input->empty() || input->size() > kMessagesMax)
    return fields.refuse(
        "input", fmt::format("input has {} entries, wanted 1 to {}", input->size(), kMessagesMax));
  for (size_t i = 0; i < input->size() && !fields.refused(); i++) {
    Fields item((*input)[i], fields.refusal(), fmt::format("input[{}].", i));
    read_item(item, messages);
  }
}

void read_tools(Fields& fields, ChatRequest& request) {
  const Json* tools = fields.list("tools");
  if (tools == nullptr) return;
  for (size_t i = 0; i < tools->size() && !fields.refused(); i++) {
    Fields tool((*tools)[i], fields.refusal(), fmt::format("tools[{}].", i));
    const std::string type = tool.wanted_string("type");
    if (type != "function" && !tool.refused())
      tool.refuse("type", fmt::format("{} is \"{}\", wanted function: there are no other tools",
                                      tool.path_of("type"), printable(type)));
    Json function = {{"name", tool.wanted_string("name")}};
    std::string description;
    tool.read("description", description);
    if (!description.empty()) function["description"] = description;
    if (const Json* parameters = tool.object("parameters")) function["parameters"] = *parameters;
    request.tools.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
}

void read_tool_choice(Fields& fields, ChatRequest& request) {
  const Json* json = fields.find("tool_choice");
  if (json != nullptr && json->is_object()) {
    Fields choice(*json, fields.refusal(), "tool_choice.");
    request.tool_name = choice.wanted_string("name");
    request.tool_choice = ToolChoice::named;
  } else {
    std::string name = "auto";
    fields.read_choice("tool_choice", name, {"auto", "none", "required"});
    if (name == "none") request.tool_choice = ToolChoice::none;
    if (name == "required") request.tool_choice = ToolChoice::required;
  }
  const bool wanted =
      request.tool_choice == ToolChoice::required || request.tool_choice == ToolChoice::named;
  if (wanted && request.tools.is_null())
    fields.refuse("tool_choice", "tool_choice wants a call, and there are no tools");
}

void read_text_format(Fields& fields, ChatRequest& request) {
  const Json* text = fields.object("text");
  if (text == nullptr) return;
  Fields inner(*text, fields.refusal(), "text.");
  const Json* format = inner.object("format");
  if (format == nullptr) return;
  Fields what(*format, fields.refusal(), "text.format.");
  std::string type = "text";
  what.read_choice("type", type, {"text", "json_object", "json_schema"});
  if (type == "json_object") request.schema = "{}";
  if (type != "json_schema") return;
  const Json* schema = what.object("schema");
  if (schema == nullptr)
    return what.refuse("schema", "text.format.schema is missing, wanted a JSON schema");
  request.schema = to_text(*schema);
}

}  // namespace

ChatRequest read_responses_request(Fields& fields) {
  ChatRequest request;
  for (const char* name : {"previous_response_id", "conversation", "prompt"})
    if (fields.has(name))
      fields.refuse(name, fmt::format("{} is not known here: answers are not kept", name));
  bool background = false;
  fields.read("background", background);
  if (background) fields.refuse("background", "background is not known here");
  std::string instructions;
  fields.read("instructions", instructions);
  if (!instructions.empty())
    request.messages.push_back({{"role", "system"}, {"content", instructions}});
  read_input(fields, request.messages);
  read_tools(fields, request);
  read_tool_choice(fields, request);
  fields.read("parallel_tool_calls", request.parallel_tool_calls);
  read_text_format(fields, request);
  if (const Json* reasoning = fields.object("reasoning")) {
    Fields inner(*reasoning, fields.refusal(), "reasoning.");
    std::string effort;
    inner.read("effort", effort);
    if (!effort.empty()) request.template_variables = {{"reasoning_effort", effort}};
    if (effort == "none") request.enable_thinking = false;
  }
  return request;
}

}  // namespace troika::serve
