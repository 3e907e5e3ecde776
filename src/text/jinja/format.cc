#include "text/jinja/format.h"

#include <array>
#include <cmath>
#include <cstdlib>

#include "text/jinja/characters.h"
#include "text/jinja/print.h"

namespace troika::jinja {
namespace {

constexpr size_t kDigitsMax = 3;  // of a width, a precision or a position

/// One %-conversion.
struct Conversion {
  std::string flags;  // "-05.2", without the letter
  std::string name;   // of %(name)s; empty: by position
  char letter = 's';
};

/// Reads what stands behind a '%'; false if it is no conversion.
bool read_conversion(std::string_view& rest, Conversion& conversion) {
  if (rest.starts_with('(')) {
    const size_t end = rest.find(')');
    if (end == std::string_view::npos) return false;
    conversion.name = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  }
  const size_t flags = rest.find_first_not_of("-+ #0123456789.");
  if (flags == std::string_view::npos || flags > 2 * kDigitsMax) return false;
  conversion.flags = rest.substr(0, flags);
  constexpr std::string_view kDigits = "0123456789";
  for (size_t at = 0, digits = 0; at < flags; at++) {
    digits = kDigits.find(rest[at]) != std::string_view::npos ? digits + 1 : 0;
    if (digits > kDigitsMax) return false;
  }
  conversion.letter = rest[flags];
  rest.remove_prefix(flags + 1);
  return true;
}

/// Bytes of the first `characters` characters.
size_t cut(std::string_view text, size_t characters) {
  const std::vector<size_t> offsets = character_offsets(text);
  return offsets[std::min(characters, offsets.size() - 1)];
}

/// `text` cut and filled up as flags say.
std::string aligned(std::string text, const std::string& flags) {
  const size_t dot = flags.find('.');
  if (dot != std::string::npos)
    text.resize(cut(text, std::strtoul(flags.c_str() + dot + 1, nullptr, 10)));
  const size_t digits = flags.find_first_of("123456789");
  const size_t width = digits < dot ? std::strtoul(flags.c_str() + digits, nullptr, 10) : size_t{0};
  const auto size = static_cast<size_t>(count_characters(text));
  if (size >= width) return text;
  const std::string fill(width - size, ' ');
  return flags.find('-') != std::string::npos ? text + fill : fill + text;
}

Result<std::string> converted(Runtime& runtime, const Conversion& conversion, const Value& value) {
  std::string text;
  switch (conversion.letter) {
    case 's':
      TROIKA_RETURN_IF_ERROR(append_text(runtime, value, text));
      return aligned(std::move(text), conversion.flags);
    case 'r':
      TROIKA_RETURN_IF_ERROR(append_repr(runtime, value, text));
      return aligned(std::move(text), conversion.flags);
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
    case 'e':
    case 'f':
    case 'g':
      break;
    default:
      return runtime.fail("'%{}' in a format is not known", conversion.letter);
  }
  if (!value.is_number())
    return runtime.fail("'%{}' of {}, wanted a number", conversion.letter, value.type_name());
  const bool real = std::string_view("efg").find(conversion.letter) != std::string_view::npos;
  const std::string format = real ? "%" + conversion.flags + conversion.letter
                                  : "%" + conversion.flags + "ll" + conversion.letter;
  if (!real && value.is(Kind::real) && !(std::abs(value.real()) < 9e18))
    return runtime.fail("'%{}' of {}", conversion.letter, value.real());
  const int64_t whole =
      value.is(Kind::real) ? static_cast<int64_t>(value.real()) : value.to_integer();
  std::array<char, 2048> buffer;  // a width of three digits fits, and DBL_MAX with a fraction
  const int size =
      real ? std::snprintf(buffer.data(), buffer.size(), format.c_str(), value.to_real())
           : std::snprintf(buffer.data(), buffer.size(), format.c_str(),
                           static_cast<long long>(whole));
  if (size < 0 || size >= std::ssize(buffer)) return runtime.fail("'{}' cannot be used", format);
  return std::string(buffer.data(), static_cast<size_t>(size));
}

}  // namespace

Result<Value> formatted_percent(Runtime& runtime, std::string_view format, const Value& values) {
  const bool is_tuple = values.is(Kind::list) && values.list().is_tuple;
  const size_t count = is_tuple ? values.list().items.size() : 1;
  size_t next = 0;
  std::string text;
  while (!format.empty()) {
    const size_t percent = std::min(format.find('%'), format.size());
    text += format.substr(0, percent);
    format.remove_prefix(percent);
    if (format.empty()) break;
    format.remove_prefix(1);
    if (format.starts_with('%')) {
      text += '%';
      format.remove_prefix(1);
      continue;
    }
    Conversion conversion;
    if (!read_conversion(format, conversion)) return runtime.fail("a format ends in '%'");
    Value value;
    if (!conversion.name.empty() && values.is(Kind::dict)) {
      const Value* const found = values.dict().find(conversion.name);
      if (found == nullptr) return runtime.fail("no '{}' for a format", conversion.name);
      value = *found;
    } else {
      if (next >= count) return runtime.fail("not enough values for a format");
      value = is_tuple ? values.list().items[next] : values;
      next++;
    }
    TROIKA_TRY(const std::string part, converted(runtime, conversion, value));
    text += part;
    TROIKA_RETURN_IF_ERROR(runtime.check_text(std::ssize(text)));
  }
  if (next < count && !values.is(Kind::dict)) return runtime.fail("too many values for a format");
  return runtime.text(std::move(text));
}

Result<Value> formatted_braces(Runtime& runtime, std::string_view format,
                               const Arguments& arguments) {
  std::string text;
  int next = 0;
  while (!format.empty()) {
    const size_t brace = std::min(format.find_first_of("{}"), format.size());
    text += format.substr(0, brace);
    format.remove_prefix(brace);
    if (format.empty()) break;
    if (format.starts_with("{{") || format.starts_with("}}")) {
      text += format[0];
      format.remove_prefix(2);
      continue;
    }
    const size_t end = format.find('}');
    if (format[0] == '}' || end == std::string_view::npos)
      return runtime.fail("a single '{}' in a format", format[0]);
    const std::string name(format.substr(1, end - 1));
    format.remove_prefix(end + 1);
    const bool counted =
        name.size() <= kDigitsMax && name.find_first_not_of("0123456789") == std::string::npos;
    const int position = !counted ? -1 : name.empty() ? next++ : std::atoi(name.c_str());
    const Value* const value = arguments.find(position, name);
    if (value == nullptr) return runtime.fail("no argument '{}' for a format", name);
    TROIKA_RETURN_IF_ERROR(append_text(runtime, *value, text));
    TROIKA_RETURN_IF_ERROR(runtime.check_text(std::ssize(text)));
  }
  return runtime.text(std::move(text));
}

std::string formatted_time(std::string_view format, const std::tm& time) {
  constexpr std::string_view kKnown = "aAbBcdDeFHIjmMpSTuUwWxXyYhnt%RrCgGV";
  std::string text;
  for (size_t i = 0; i < format.size(); i++) {
    if (format[i] != '%' || i + 1 == format.size()) {
      text += format[i];
      continue;
    }
    bool unpadded = format[i + 1] == '-' && i + 2 < format.size();
    const char letter = format[i + (unpadded ? 2 : 1)];
    if (letter == 'Z' || letter == 'z') {  // of a local time without a zone, as Python's now()
      i += unpadded ? 2 : 1;
      continue;
    }
    if (kKnown.find(letter) == std::string_view::npos) {
      text += format[i];
      continue;
    }
    std::array<char, 128> buffer;
    const char one[] = {'%', unpadded ? '-' : letter, unpadded ? letter : '\0', '\0'};
    text.append(buffer.data(), std::strftime(buffer.data(), buffer.size(), one, &time));
    i += unpadded ? 2 : 1;
  }
  return text;
}

}  // namespace troika::jinja
