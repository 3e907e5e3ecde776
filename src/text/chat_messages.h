// Messages in the form that a template takes.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/result.h"

namespace troika {

/// What a template takes and shows.
struct ChatCapabilities {
  bool text_content = true;          // content as a text
  bool typed_content = false;        // content as a list of {type, text}
  bool system_role = true;           // messages of that role, and it shows them
  bool developer_role = false;       // apart from the system role
  bool tools = false;                // it shows tools
  bool tool_calls = false;           // it shows earlier calls
  bool parallel_tool_calls = false;  // several in one message
  bool object_arguments = false;     // arguments of calls as an object, not as JSON text
  bool trims_content = false;        // it wants contents without white space at their ends
  std::string reasoning_key;  // where it reads reasoning; empty: reasoning_content, or nowhere
};

/// Finds out what the template with this `source` takes. `render` renders it with given messages
/// and tools (null: none); its errors only tell that the template does not take what it was given.
ChatCapabilities probe_chat_template(
    std::string_view source,
    const std::function<Result<std::string>(const nlohmann::ordered_json& messages,
                                            const nlohmann::ordered_json& tools)>& render);

/// `messages` in the form for a template of these capabilities: contents as text or parts,
/// arguments as objects or text, roles that it knows. Errors: invalid_argument — not an array of
/// messages, by place; exhausted — nested too deeply.
Result<nlohmann::ordered_json> adapt_chat_messages(const nlohmann::ordered_json& messages,
                                                   const ChatCapabilities& capabilities);

}  // namespace troika
