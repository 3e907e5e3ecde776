#include "text/output/call_heads.h"

#include <algorithm>

#include "text/output/json_text.h"

namespace troika {
namespace {

bool one_of(std::string_view key, std::initializer_list<std::string_view> keys) {
  return std::ranges::find(keys, key) != keys.end();
}

bool is_arguments(std::string_view key) {
  return one_of(key, {"arguments", "parameters"});
}

bool is_id(std::string_view key) {
  return one_of(key, {"id", "tool_call_id", "call_id"});
}

// Of several openers the one that stands there.
bool opener(Peek& at, const ToolSyntax& syntax) {
  for (const std::string_view text : syntax.openers) {
    if (at.optional(text)) return true;
    if (at.failed()) return false;
  }
  return at.no();
}

// Ids are strings; some models write numbers.
bool id_value(Peek& at, std::string& id) {
  std::string value;
  if (!at.json_value(value)) return false;
  if (value.size() > Peek::kNameMax) return at.no();
  if (!decode_json_string(value, id)) id = value;
  return true;
}

bool known(std::span<const OutputTool> tools, std::string_view name) {
  return find_tool(tools, name) != nullptr;
}

// The members of a call's object, behind its brace, up to the arguments or to its end.
class ObjectHead {
 public:
  ObjectHead(Peek& at, CallHead& head) : at_(at), head_(head) {}

  bool read(bool strict) {
    strict_ = strict;
    if (!at_.literal("{")) return false;
    while (member()) {
      if (arguments_next_) return true;
      if (!at_.space()) return false;
      if (at_.optional(",")) continue;
      if (!close()) return false;
      if (closed_) return end();
    }
    return false;
  }

 private:
  bool member() {
    std::string key;
    if (!at_.space() || !at_.json_string(key) || !at_.space() || !at_.literal(":") || !at_.space())
      return false;
    if (is_arguments(key)) return arguments();
    if (one_of(key, {"name", "tool_name"})) return name();
    if (key == "function") {
      if (at_.failed() || !at_.next_is("{\"")) return false;
      if (!at_.optional("{")) return name();
      head_.braces++;
      return member();
    }
    if (is_id(key)) return id_value(at_, head_.id);
    std::string other;
    if (strict_ && key != "type") return at_.no();
    return at_.json_value(other);
  }

  bool name() {
    if (!at_.json_string(head_.name)) return false;
    return (!head_.name.empty() && head_.name.size() <= Peek::kNameMax) || at_.no();
  }

  bool arguments() {
    if (!at_.next_is("{[\"n")) return false;
    arguments_next_ = !head_.name.empty();
    return arguments_next_ || at_.json_value(head_.arguments.emplace());
  }

  bool close() {
    while (at_.optional("}")) {
      if (--head_.braces == 0) return closed_ = true;
      if (!at_.space()) return false;
    }
    return at_.literal(",");
  }

  bool end() {
    if (head_.name.empty() || (strict_ && !head_.arguments)) return at_.no();
    if (!head_.arguments || *head_.arguments == "null") head_.arguments = "{}";
    return true;
  }

  Peek& at_;
  CallHead& head_;
  bool strict_ = false;
  bool arguments_next_ = false;
  bool closed_ = false;
};

bool read_object(Peek& at, CallHead& head, bool strict = false) {
  head.member = true;
  return at.space() && ObjectHead(at, head).read(strict);
}

bool read_keyed(Peek& at, CallHead& head) {
  head.member = true;
  return at.space() && at.literal("{") && at.space() && at.json_string(head.name) && at.space() &&
         at.literal(":") && at.space() && at.next_is("{[\"n");
}

// JSON follows, or at once the end of the call: no arguments.
bool value_or(Peek& at, std::string_view end, CallHead& head) {
  char c = 0;
  if (!at.space() || !at.next(c)) return false;
  if (c == '{' || c == '[' || c == '"') return true;
  head.arguments = "{}";
  Peek ahead = at;
  return ahead.literal(end) || (ahead.verdict() == Verdict::no ? at.no() : at.literal(end));
}

}  // namespace

bool read_object_end(Peek& at, int32_t braces, std::string& id) {
  while (at.space()) {
    if (at.optional("}")) {
      if (--braces == 0) return true;
      continue;
    }
    std::string key, value;
    if (!at.literal(",") || !at.space() || !at.json_string(key) || !at.space() ||
        !at.literal(":") || !at.space())
      return false;
    if (!(is_id(key) ? id_value(at, id) : at.json_value(value))) return false;
  }
  return false;
}

bool object_head(Peek& at, const ToolSyntax& syntax, std::span<const OutputTool>, CallHead& head) {
  if (!opener(at, syntax) || !at.space()) return false;
  static_cast<void>(at.optional("["));
  return !at.failed() && read_object(at, head);
}

bool next_object_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head) {
  return at.literal(",") && read_object(at, head);
}

bool keyed_head(Peek& at, const ToolSyntax& syntax, std::span<const OutputTool>, CallHead& head) {
  return opener(at, syntax) && at.space() && at.literal("[") && read_keyed(at, head);
}

bool next_keyed_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head) {
  return at.literal(",") && read_keyed(at, head);
}

bool llama3_head(Peek& at, const ToolSyntax&, std::span<const OutputTool> tools, CallHead& head) {
  const bool tagged = at.optional("<|python_tag|>");
  if (at.failed()) return false;
  Peek object = at;
  const bool found = read_object(object, head, true) && known(tools, head.name);
  if (found || (object.verdict() == Verdict::more && !tagged)) {
    at = object;
    return found;
  }
  if (!tagged) return at.no();
  if (object.verdict() == Verdict::more) return (at = object, false);
  head = {};
  Peek call = at;
  if (call.until(".call(", head.name, "\n(=\"' ")) return (at = call, head.python = true);
  if (call.verdict() == Verdict::more) return (at = call, false);
  head.name = known(tools, "code_interpreter") ? "code_interpreter" : "python";
  return head.code = true;
}

bool next_llama3_head(Peek& at, const ToolSyntax&, std::span<const OutputTool> tools,
                      CallHead& head) {
  static_cast<void>(at.optional(";"));
  return !at.failed() && read_object(at, head, true) && (known(tools, head.name) || at.no());
}

bool mistral_head(Peek& at, const ToolSyntax& syntax, std::span<const OutputTool> tools,
                  CallHead& head) {
  Peek list = at;
  char c = 0;
  if (!list.literal("[TOOL_CALLS]") || !list.space() || !list.next(c)) return (at = list, false);
  if (c == '[' || c == '{') return object_head(at, syntax, tools, head);
  at = list;
  if (!at.word(head.name)) return false;
  if (at.optional("[CALL_ID]"))
    return at.until("[ARGS]", head.id) && at.space() && at.next_is("{[\"");
  return !at.failed() && at.literal("[ARGS]") && at.space() && at.next_is("{[\"");
}

bool deepseek_head(Peek& at, const ToolSyntax& syntax, std::span<const OutputTool>,
                   CallHead& head) {
  static_cast<void>(at.optional("<｜tool▁calls▁begin｜>"));
  if (at.failed() || !at.space() || !at.literal("<｜tool▁call▁begin｜>")) return false;
  if (!at.until("<｜tool▁sep｜>", head.name)) return false;
  if (syntax.family == OutputFamily::deepseek_v31) return value_or(at, syntax.closers[0], head);
  if (head.name != "function") return at.no();
  return at.until("\n", head.name) && at.literal("```json") && at.space() && at.next_is("{[\"");
}

bool kimi_head(Peek& at, const ToolSyntax& syntax, std::span<const OutputTool>, CallHead& head) {
  static_cast<void>(at.optional("<|tool_calls_section_begin|>"));
  if (at.failed() || !at.space() || !at.literal("<|tool_call_begin|>") || !at.space()) return false;
  if (!at.until("<|tool_call_argument_begin|>", head.id)) return false;
  head.id = trimmed(head.id);
  head.name = head.id.substr(0, head.id.rfind(':'));
  if (head.name.starts_with("functions.")) head.name.erase(0, 10);
  return (!head.name.empty() || at.no()) && value_or(at, syntax.closers[0], head);
}

bool function_head(Peek& at, const ToolSyntax& syntax, std::span<const OutputTool> tools,
                   CallHead& head) {
  const bool opened = syntax.openers.size() > 1 && at.optional(syntax.openers[1]);
  if (at.failed() || !at.space() || !at.literal(syntax.openers[0])) return false;
  if (!at.until(">", head.name, "\n<\"")) return false;
  if (!opened && !known(tools, head.name)) return at.no();
  return syntax.style != ArgumentStyle::json || (at.space() && at.next_is("{[\""));
}

bool glm_head(Peek& at, const ToolSyntax& syntax, std::span<const OutputTool>, CallHead& head) {
  if (!opener(at, syntax) || !at.space() || !at.word(head.name) || !at.space()) return false;
  Peek key = at, end = at;
  if (key.literal(syntax.xml->open) || end.literal(syntax.xml->call_close)) return true;
  if (key.verdict() == Verdict::no && end.verdict() == Verdict::no) return at.no();
  return (at = key.verdict() == Verdict::more ? key : end, false);
}

bool invoke_head(Peek& at, const ToolSyntax& syntax, std::span<const OutputTool> tools,
                 CallHead& head) {
  bool opened = false;
  for (const std::string_view section : syntax.openers.subspan(1))
    opened = opened || at.optional(section);
  if (at.failed() || !at.space() || !at.literal(syntax.openers[0])) return false;
  if (!at.until("\"", head.name, "\n<>") || !at.literal(">")) return false;
  return opened || syntax.certain || known(tools, head.name) || at.no();
}

bool gemma_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head) {
  return at.literal("<|tool_call>") && at.space() && at.literal("call:") && at.space() &&
         at.word(head.name) && at.space() && at.next_is("{");
}

bool python_head(Peek& at, const ToolSyntax& syntax, std::span<const OutputTool>, CallHead& head) {
  if (!opener(at, syntax) || !at.space()) return false;
  static_cast<void>(at.optional("["));
  return !at.failed() && at.space() && at.word(head.name) && at.literal("(");
}

bool next_python_head(Peek& at, const ToolSyntax&, std::span<const OutputTool>, CallHead& head) {
  return at.literal(",") && at.space() && at.word(head.name) && at.literal("(");
}

}  // namespace troika
