#include "text/chat_messages.h"

#include <utility>

#include "text/jinja/characters.h"
#include "text/jinja/limits.h"
#include "text/json_depth.h"

namespace troika {
namespace {

using Json = nlohmann::ordered_json;

/// A text part; everything else a message may carry is for models that see or hear.
Result<std::string> part_text(const Json& part, const std::string& place) {
  if (!part.is_object() || !part.contains("type") || !part["type"].is_string())
    return fail(ErrorCode::invalid_argument, "{} is no part of a message, wanted {{type, text}}",
                place);
  const std::string type = part["type"].get<std::string>();
  if (type != "text" || !part.contains("text") || !part["text"].is_string())
    return fail(ErrorCode::invalid_argument, "{} is a part of type {}, wanted a text", place, type);
  return part["text"].get<std::string>();
}

Result<std::string> joined_parts(const Json& content, const std::string& place) {
  std::string text;
  for (size_t i = 0; i < content.size(); i++) {
    TROIKA_TRY(const std::string part, part_text(content[i], fmt::format("{}[{}]", place, i)));
    text += part;
  }
  return text;
}

Result<Json> adapted_content(const Json& message, const ChatCapabilities& takes,
                             const std::string& place) {
  const auto found = message.find("content");
  const bool missing = found == message.end() || found->is_null();
  if (!missing && !found->is_string() && !found->is_array())
    return fail(ErrorCode::invalid_argument, "{} is {}, wanted a text or a list of parts", place,
                found->type_name());
  if (!missing && found->is_array() && takes.typed_content) {
    TROIKA_RETURN_IF_ERROR(joined_parts(*found, place));
    return *found;
  }
  std::string text;
  if (!missing && found->is_array()) {
    TROIKA_TRY(text, joined_parts(*found, place));
  } else if (!missing) {
    text = found->get<std::string>();
  }
  if (takes.trims_content) text = std::string(jinja::strip(text));
  if (takes.text_content) return Json(text);
  return Json::array({Json{{"type", "text"}, {"text", text}}});
}

/// As Python writes JSON, which is what models were trained on.
std::string spaced_json(const Json& json) {
  // Bytes that are no UTF-8 would be an exception otherwise.
  constexpr auto kReplace = Json::error_handler_t::replace;
  if (!json.is_structured()) return json.dump(-1, ' ', false, kReplace);
  std::string text;
  for (const auto& [key, value] : json.items()) {
    if (!text.empty()) text += ", ";
    if (json.is_object()) text += Json(key).dump(-1, ' ', false, kReplace) + ": ";
    text += spaced_json(value);
  }
  return json.is_object() ? "{" + text + "}" : "[" + text + "]";
}

/// Arguments as an object, or as JSON text; what is no JSON stays the text that it is.
Json adapted_arguments(const Json& arguments, bool as_object) {
  if (!as_object) return arguments.is_string() ? arguments : Json(spaced_json(arguments));
  if (!arguments.is_string()) return arguments;
  const std::string& text = arguments.get_ref<const std::string&>();
  if (text.empty()) return Json::object();
  if (json_text_depth(text) > jinja::kVariablesDepthMax / 2) return arguments;
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_object() ? parsed : arguments;
}

Status adapt_tool_calls(Json& message, const ChatCapabilities& takes, const std::string& place) {
  const auto calls = message.find("tool_calls");
  if (calls == message.end()) return ok();
  if (calls->is_null() || (calls->is_array() && calls->empty())) {
    message.erase("tool_calls");
    return ok();
  }
  if (!calls->is_array())
    return fail(ErrorCode::invalid_argument, "{} is {}, wanted a list", place, calls->type_name());
  for (size_t i = 0; i < calls->size(); i++) {
    Json& call = (*calls)[i];
    if (!call.is_object() || !call.contains("function") || !call["function"].is_object() ||
        !call["function"].contains("name") || !call["function"]["name"].is_string())
      return fail(ErrorCode::invalid_argument,
                  "{}[{}] is no call, wanted {{function: {{name, arguments}}}}", place, i);
    Json& function = call["function"];
    if (!function.contains("arguments") || function["arguments"].is_null())
      function["arguments"] = "{}";
    function["arguments"] = adapted_arguments(function["arguments"], takes.object_arguments);
  }
  return ok();
}

/// Reasoning under the name by which the template reads it. Where it would stand beside the content
/// of a call, the content is enough: templates that rename it take only one of them there.
void rename_reasoning(Json& message, const std::string& key) {
  if (key.empty() || message.contains(key) || !message.contains("reasoning_content")) return;
  const Json reasoning = message["reasoning_content"];
  if (!reasoning.is_string()) return;
  const bool content_counts = message.contains("tool_calls") && message["content"] != "";
  if (!content_counts) message[key] = reasoning;
}

Result<Json> adapted_message(const Json& message, const ChatCapabilities& takes,
                             const std::string& place) {
  if (!message.is_object() || !message.contains("role") || !message["role"].is_string())
    return fail(ErrorCode::invalid_argument, "{} is no message, wanted {{role, content}}", place);
  Json adapted = message;
  if (adapted["role"] == "developer" && !takes.developer_role) adapted["role"] = "system";
  TROIKA_TRY(adapted["content"], adapted_content(message, takes, place + ".content"));
  TROIKA_RETURN_IF_ERROR(adapt_tool_calls(adapted, takes, place + ".tool_calls"));
  rename_reasoning(adapted, takes.reasoning_key);
  return adapted;
}

/// Puts `text` and a newline in front of a content, a text or parts.
void prepend(Json& content, const std::string& text) {
  if (content.is_string())
    content = text + "\n" + content.get<std::string>();
  else
    content.insert(content.begin(), Json{{"type", "text"}, {"text", text + "\n"}});
}

std::string content_text(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  for (const Json& part : content) text += part["text"].get<std::string>();
  return text;
}

/// Moves what system messages say to the front of the first message of the user.
Json without_system_role(const Json& messages) {
  std::string system;
  Json kept = Json::array();
  for (const Json& message : messages) {
    if (message["role"] == "system") {
      if (!system.empty()) system += '\n';
      system += content_text(message["content"]);
    } else {
      kept.push_back(message);
    }
  }
  if (system.empty()) return kept;
  for (Json& message : kept)
    if (message["role"] == "user") {
      prepend(message["content"], system);
      return kept;
    }
  kept.insert(kept.begin(), Json{{"role", "user"}, {"content", system}});
  return kept;
}

}  // namespace

Result<Json> adapt_chat_messages(const Json& messages, const ChatCapabilities& capabilities) {
  if (!messages.is_array())
    return fail(ErrorCode::invalid_argument, "messages is {}, wanted a list", messages.type_name());
  if (json_deeper_than(messages, jinja::kVariablesDepthMax / 2))
    return fail(ErrorCode::exhausted, "messages nested deeper than {} levels",
                jinja::kVariablesDepthMax / 2);
  Json adapted = Json::array();
  for (size_t i = 0; i < messages.size(); i++) {
    TROIKA_TRY(Json message,
               adapted_message(messages[i], capabilities, fmt::format("messages[{}]", i)));
    adapted.push_back(std::move(message));
  }
  return capabilities.system_role ? adapted : without_system_role(adapted);
}

}  // namespace troika
