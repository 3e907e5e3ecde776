#include "text/jinja/print.h"

#include <cmath>

#include "text/utf8.h"

namespace troika::jinja {
namespace {

/// repr() of a string: in single quotes, unless that saves escapes.
void append_quoted(const std::string& bytes, std::string& text) {
  const bool doubled =
      bytes.find('\'') != std::string::npos && bytes.find('"') == std::string::npos;
  const char quote = doubled ? '"' : '\'';
  text += quote;
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\r') {
      text += "\\r";
    } else if (c == '\t') {
      text += "\\t";
    } else if (code < 0x20 || code == 0x7F) {
      text += fmt::format("\\x{:02x}", code);
    } else {
      text += c;
    }
  }
  text += quote;
}

Status append_dict(Runtime& runtime, const Dict& dict, std::string& text) {
  text += '{';
  bool first = true;
  for (const auto& [key, value] : dict.entries) {
    if (!std::exchange(first, false)) text += ", ";
    TROIKA_RETURN_IF_ERROR(append_repr(runtime, key, text));
    text += ": ";
    TROIKA_RETURN_IF_ERROR(append_repr(runtime, value, text));
  }
  text += '}';
  return ok();
}

Status append_list(Runtime& runtime, const List& list, std::string& text) {
  text += list.is_tuple ? '(' : '[';
  bool first = true;
  for (const Value& item : list.items) {
    if (!std::exchange(first, false)) text += ", ";
    TROIKA_RETURN_IF_ERROR(append_repr(runtime, item, text));
  }
  if (list.is_tuple && list.items.size() == 1) text += ',';
  text += list.is_tuple ? ')' : ']';
  return ok();
}

}  // namespace

std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

Status append_repr(Runtime& runtime, const Value& value, std::string& text) {
  if (value.is_undefined()) text += "Undefined";
  if (!value.is(Kind::text)) return append_text(runtime, value, text);
  append_quoted(value.text(), text);
  return runtime.check_text(std::ssize(text));
}

Status append_text(Runtime& runtime, const Value& value, std::string& text) {
  TROIKA_RETURN_IF_ERROR(runtime.step());
  TROIKA_RETURN_IF_ERROR(runtime.check_text(std::ssize(text)));
  TROIKA_TRY(const Level level, Level::enter(runtime));
  switch (value.kind()) {
    case Kind::undefined:
      break;
    case Kind::none:
      text += "None";
      break;
    case Kind::boolean:
      text += value.boolean() ? "True" : "False";
      break;
    case Kind::integer:
      text += std::to_string(value.integer());
      break;
    case Kind::real:
      text += real_text(value.real());
      break;
    case Kind::text:
      text += value.text();
      break;
    case Kind::list:
      return append_list(runtime, value.list(), text);
    case Kind::dict:
      return append_dict(runtime, value.dict(), text);
    case Kind::space:
      text += "<Namespace ";
      TROIKA_RETURN_IF_ERROR(append_dict(runtime, value.space().variables, text));
      text += '>';
      break;
    case Kind::loop:
      text += fmt::format("<LoopContext {}/{}>", value.loop().index + 1, value.loop().length);
      break;
    case Kind::function:
      text += fmt::format("<function {}>", *value.function().name);
      break;
  }
  return ok();
}

Result<Value> to_text(Runtime& runtime, const Value& value) {
  if (value.is(Kind::text)) return value;
  std::string text;
  TROIKA_RETURN_IF_ERROR(append_text(runtime, value, text));
  return runtime.text(std::move(text));
}

}  // namespace troika::jinja
