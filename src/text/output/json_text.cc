#include "text/output/json_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "text/output/unread.h"

namespace troika {

bool JsonScanner::push(char c) {
  switch (state_) {
    case State::start:
      state_ = c == '{' || c == '[' ? State::nested : c == '"' ? State::string : State::scalar;
      depth_ = state_ == State::nested ? 1 : 0;
      if (state_ == State::scalar) return push(c);
      return true;
    case State::scalar:
      if (is_space(c) || std::string_view(",:{}[]\"<>`").find(c) != std::string_view::npos) {
        state_ = State::done;
        return false;
      }
      return true;
    case State::nested:
      if (c == '"') state_ = State::string;
      if (c == '{' || c == '[') depth_++;
      if ((c == '}' || c == ']') && --depth_ == 0) state_ = State::done;
      return true;
    case State::string:
      if (c == '\\') state_ = State::escape;
      if (c == '"') state_ = depth_ > 0 ? State::nested : State::done;
      return true;
    case State::escape:
      state_ = State::string;
      return true;
    case State::done:
      return false;
  }
  return false;
}

size_t JsonScanner::take(std::string_view text) {
  size_t count = 0;
  while (count < text.size() && !done() && push(text[count])) count++;
  return count;
}

void append_json_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          out += fmt::format("\\u{:04x}", static_cast<int>(c));
        else
          out += c;
    }
  }
}

std::string quote_json(std::string_view text) {
  std::string quoted = "\"";
  append_json_escaped(text, quoted);
  return quoted += '"';
}

bool decode_json_string(std::string_view quoted, std::string& out) {
  const auto value = nlohmann::json::parse(quoted, nullptr, false);
  if (!value.is_string()) return false;
  out = value.get<std::string>();
  return true;
}

bool is_json(std::string_view text) {
  return nlohmann::json::accept(text);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace troika
