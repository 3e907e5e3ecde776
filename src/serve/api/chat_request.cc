#include "serve/api/chat_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "core/printable.h"
#include "serve/api/chat_grammar.h"
#include "serve/api/prompts.h"

namespace troika::serve {
namespace {

void check_parts(Fields& fields, const Json& parts) {
  for (size_t i = 0; i < parts.size(); i++) {
    Fields part(parts[i], fields.refusal(), fields.path_of(fmt::format("content[{}].", i)));
    std::string type;
    part.read("type", type);
    if (type != "text")
      part.refuse("type", fmt::format("{} is \"{}\", wanted text: the model reads nothing else",
                                      part.path_of("type"), printable(type)));
    part.wanted_string("text");
  }
}

void check_message(Fields& message) {
  std::string role;
  if (!message.has("role")) message.refuse("role", message.path_of("role") + " is missing");
  message.read_choice("role", role,
                      {"system", "developer", "user", "assistant", "tool", "function"});
  const Json* content = message.find("content");
  if (content != nullptr && content->is_array())
    check_parts(message, *content);
  else if (content != nullptr && !content->is_string())
    message.refuse_kind("content", *content, "a string or a list of parts");
  if (content == nullptr && role != "assistant")
    message.refuse("content", message.path_of("content") + " is missing, wanted a string");
  message.list("tool_calls");
}

/// "none", "auto", "required", or {"type": "function", "function": {"name"}}.
void read_tool_choice(Fields& fields, ChatRequest& request) {
  const Json* json = fields.find("tool_choice");
  if (json == nullptr) return;
  if (json->is_object()) {
    Fields choice(*json, fields.refusal(), fields.path_of("tool_choice."));
    const Json* function = choice.object("function");
    Fields named(function != nullptr ? *function : *json, fields.refusal(),
                 fields.path_of("tool_choice.function."));
    request.tool_name = named.wanted_string("name");
    request.tool_choice = ToolChoice::named;
    return;
  }
  std::string name = "auto";
  fields.read_choice("tool_choice", name, {"none", "auto", "required"});
  request.tool_choice = name == "none"       ? ToolChoice::none
                        : name == "required" ? ToolChoice::required
                                             : ToolChoice::automatic;
}

void read_tools(Fields& fields, ChatRequest& request) {
  const Json* tools = fields.list("tools");
  if (tools == nullptr || tools->empty()) {
    if (request.tool_choice == ToolChoice::required || request.tool_choice == ToolChoice::named)
      fields.refuse("tool_choice", "tool_choice wants a call, and there are no tools");
    return;
  }
  request.tools = *tools;
  const auto read = read_output_tools(to_text(*tools));
  if (!read.ok()) return fields.refuse("tools", read.error().message());
  const bool known = std::ranges::any_of(
      *read, [&](const OutputTool& tool) { return tool.name == request.tool_name; });
  if (request.tool_choice == ToolChoice::named && !known)
    fields.refuse("tool_choice", fmt::format("tool_choice names \"{}\", which is none of the tools",
                                             printable(request.tool_name)));
}

/// {"type": "text"}, {"type": "json_object"}, {"type": "json_schema", "json_schema": {"schema"}}.
void read_response_format(Fields& fields, ChatRequest& request) {
  if (const Json* schema = fields.object("json_schema")) request.schema = to_text(*schema);
  const Json* format = fields.object("response_format");
  if (format == nullptr) return;
  Fields inner(*format, fields.refusal(), "response_format.");
  std::string type = "text";
  inner.read_choice("type", type, {"text", "json_object", "json_schema"});
  if (type == "text" || fields.refused()) return;
  request.schema = "{}";
  const Json* holder = type == "json_schema" ? inner.object("json_schema") : format;
  if (holder == nullptr)
    return inner.refuse("json_schema", "response_format.json_schema is missing");
  Fields named(*holder, fields.refusal(),
               type == "json_schema" ? "response_format.json_schema." : "response_format.");
  if (const Json* schema = named.object("schema"))
    request.schema = to_text(*schema);
  else if (type == "json_schema")
    named.refuse("schema", named.path_of("schema") + " is missing, wanted a JSON schema");
}

void read_reasoning(Fields& fields, ChatRequest& request) {
  std::string format = "auto";
  fields.read_choice("reasoning_format", format, {"none", "auto", "deepseek", "deepseek-legacy"});
  if (format == "none") request.reasoning_format = ReasoningFormat::none;
  if (format == "deepseek-legacy") request.reasoning_format = ReasoningFormat::both;
  fields.read("enable_thinking", request.enable_thinking);
  if (const Json* variables = fields.object("chat_template_kwargs")) {
    request.template_variables = *variables;
    Fields inner(*variables, fields.refusal(), "chat_template_kwargs.");
    inner.read("enable_thinking", request.enable_thinking);
  }
  std::string effort;
  fields.read("reasoning_effort", effort);
  if (effort.empty()) return;
  if (request.template_variables.is_null()) request.template_variables = Json::object();
  request.template_variables["reasoning_effort"] = effort;
  if (effort == "none") request.enable_thinking = false;
}

}  // namespace

void check_messages(Fields& fields, std::string_view name, const Json& messages) {
  if (messages.empty() || messages.size() > kMessagesMax)
    return fields.refuse(name, fmt::format("{} has {} entries, wanted 1 to {}",
                                           fields.path_of(name), messages.size(), kMessagesMax));
  for (size_t i = 0; i < messages.size() && !fields.refused(); i++) {
    Fields message(messages[i], fields.refusal(), fields.path_of(fmt::format("{}[{}].", name, i)));
    if (!fields.refused()) check_message(message);
  }
}

ChatRequest read_chat_request(Fields& fields) {
  ChatRequest request;
  if (const Json* messages = fields.wanted_list("messages")) {
    request.messages = *messages;
    check_messages(fields, "messages", *messages);
  }
  read_tool_choice(fields, request);
  read_tools(fields, request);
  fields.read("parallel_tool_calls", request.parallel_tool_calls);
  read_response_format(fields, request);
  fields.read("grammar", request.grammar);
  read_reasoning(fields, request);
  fields.read("add_generation_prompt", request.add_generation_prompt);
  fields.read("continue_final_message", request.continue_final_message);
  if (request.schema && !request.tools.is_null() && request.tool_choice != ToolChoice::none)
    fields.refuse("response_format", "response_format and tools do not go together");
  if (request.schema && !request.grammar.empty())
    fields.refuse("grammar", "grammar and response_format do not go together");
  return request;
}

ChatPrompt encode_chat(Fields& fields, std::string_view name, const ServedModel& model,
                       const ChatRequest& request, std::vector<TokenId>& tokens) {
  if (fields.refused()) return {};
  Result<ChatPrompt> prompt = render_chat(model, request);
  if (!prompt.ok()) {
    fields.refuse(name, prompt.error().message());
    return {};
  }
  tokens = encode_prompt(fields, name, model, prompt->text);
  return std::move(*prompt);
}

ChatPrompt prepare_chat(Fields& fields, std::string_view name, const ServedModel& model,
                        const ChatRequest& request, GenerationSpec& spec) {
  spec.prompts.emplace_back();
  ChatPrompt prompt = encode_chat(fields, name, model, request, spec.prompts.front());
  check_context(fields, name, model, spec.prompts);
  if (fields.refused()) return {};
  auto grammar = chat_grammar(model, spec.request.tenant, request, prompt);
  if (!grammar.ok()) {
    fields.refuse(!request.grammar.empty()                       ? "grammar"
                  : request.schema                               ? "response_format"
                  : request.tool_choice == ToolChoice::automatic ? "tools"
                                                                 : "tool_choice",
                  grammar.error().message());
    return {};
  }
  spec.request.grammar = std::move(*grammar);
  return prompt;
}

}  // namespace troika::serve
