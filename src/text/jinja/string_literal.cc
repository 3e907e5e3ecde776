#include "text/jinja/string_literal.h"

#include <charconv>
#include <cstdint>

#include "text/utf8.h"

namespace troika::jinja {
namespace {

/// Reads `count` hexadecimal digits from `at` as a character; false if it is none.
bool append_hex(std::string& text, std::string_view literal, size_t at, size_t count) {
  if (at + count > literal.size()) return false;
  uint32_t code = 0;
  const char* end = literal.data() + at + count;
  const auto read = std::from_chars(literal.data() + at, end, code, 16);
  if (read.ec != std::errc() || read.ptr != end || code > 0x10FFFF) return false;
  text::append_utf8(text, code);
  return true;
}

/// Up to three octal digits from `at`; returns how many.
size_t append_octal(std::string& text, std::string_view literal, size_t at) {
  uint32_t code = 0;
  size_t count = 0;
  while (count < 3 && at + count < literal.size() && literal[at + count] >= '0' &&
         literal[at + count] <= '7')
    code = code * 8 + static_cast<uint32_t>(literal[at + count++] - '0');
  if (count > 0) text::append_utf8(text, code);
  return count;
}

}  // namespace

std::string unescaped(std::string_view literal) {
  constexpr std::string_view kNames = "\\'\"abfnrtv";
  constexpr std::string_view kBytes = "\\'\"\a\b\f\n\r\t\v";
  std::string text;
  for (size_t i = 0; i < literal.size(); i++) {
    if (literal[i] != '\\' || i + 1 == literal.size()) {
      text += literal[i];
      continue;
    }
    const char name = literal[++i];
    const size_t digits = name == 'x' ? 2 : name == 'u' ? 4 : name == 'U' ? 8 : 0;
    if (const size_t simple = kNames.find(name); simple != std::string_view::npos) {
      text += kBytes[simple];
    } else if (digits > 0 && append_hex(text, literal, i + 1, digits)) {
      i += digits;
    } else if (const size_t octal = append_octal(text, literal, i)) {
      i += octal - 1;
    } else if (name != '\n') {
      text += '\\';
      text += name;
    }
  }
  return text;
}

}  // namespace troika::jinja
