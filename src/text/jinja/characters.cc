#include "text/jinja/characters.h"

#include <utf8proc.h>

#include <algorithm>

#include "text/utf8.h"

namespace troika::jinja {
namespace {

/// The character at the front of `text` (not empty): its bytes, and its code point or, for a byte
/// that is no UTF-8, a code that is no character.
size_t read(std::string_view text, uint32_t& code) {
  const int length = text::read_utf8(text, code);
  if (length > 0) return static_cast<size_t>(length);
  code = 0x110000 + static_cast<unsigned char>(text[0]);
  return 1;
}

void append(std::string& text, uint32_t code, std::string_view bytes) {
  if (code <= 0x10FFFF)
    text::append_utf8(text, code);
  else
    text += bytes;
}

uint32_t lower(uint32_t code) {
  return code <= 0x10FFFF ? static_cast<uint32_t>(utf8proc_tolower(static_cast<int32_t>(code)))
                          : code;
}

uint32_t upper(uint32_t code) {
  return code <= 0x10FFFF ? static_cast<uint32_t>(utf8proc_toupper(static_cast<int32_t>(code)))
                          : code;
}

utf8proc_category_t category(uint32_t code) {
  return code <= 0x10FFFF ? utf8proc_category(static_cast<int32_t>(code)) : UTF8PROC_CATEGORY_CN;
}

bool is_number(uint32_t code) {
  const utf8proc_category_t kind = category(code);
  return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}

bool has_case(uint32_t code) {
  return lower(code) != code || upper(code) != code;
}

constexpr uint32_t kSharpS = 0xDF;  // the one common letter whose large form is two

void append_upper(std::string& text, uint32_t code, std::string_view bytes) {
  if (code == kSharpS)
    text += "SS";
  else
    append(text, upper(code), bytes);
}

/// The last character of `text` (not empty): where it begins.
size_t last_character(std::string_view text) {
  size_t at = text.size() - 1;
  const size_t first = text.size() >= 4 ? text.size() - 4 : 0;
  while (at > first && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) at--;
  uint32_t code = 0;
  return at + read(text.substr(at), code) == text.size() ? at : text.size() - 1;
}

std::string_view strip_if(std::string_view text, Side side, auto goes) {
  uint32_t code = 0;
  while (side != Side::right && !text.empty()) {
    const size_t bytes = read(text, code);
    if (!goes(code)) break;
    text.remove_prefix(bytes);
  }
  while (side != Side::left && !text.empty()) {
    const size_t at = last_character(text);
    read(text.substr(at), code);
    if (!goes(code)) break;
    text = text.substr(0, at);
  }
  return text;
}

bool ends_line(uint32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 ||
         code == 0x2028 || code == 0x2029;
}

/// Whether letters with cases occur, none of which `changes`.
bool all_cased(std::string_view text, uint32_t (*changes)(uint32_t)) {
  bool found = false;
  uint32_t code = 0;
  for (; !text.empty(); text.remove_prefix(read(text, code))) {
    read(text, code);
    if (changes(code) != code) return false;
    found = found || has_case(code);
  }
  return found;
}

}  // namespace

int64_t count_characters(std::string_view text) {
  if (text::is_ascii(text)) return std::ssize(text);
  int64_t count = 0;
  uint32_t code = 0;
  for (; !text.empty(); text.remove_prefix(read(text, code))) count++;
  return count;
}

std::vector<size_t> character_offsets(std::string_view text) {
  std::vector<size_t> offsets;
  offsets.reserve(text.size() + 1);
  uint32_t code = 0;
  size_t at = 0;
  for (; at < text.size(); at += read(text.substr(at), code)) offsets.push_back(at);
  offsets.push_back(at);
  return offsets;
}

size_t character_bytes(std::string_view text) {
  uint32_t code = 0;
  return read(text, code);
}

bool is_space(uint32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 ||
         code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
         code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

std::string_view strip(std::string_view text, Side side) {
  return strip_if(text, side, is_space);
}

std::string_view strip(std::string_view text, std::string_view set, Side side) {
  std::vector<uint32_t> codes;
  uint32_t code = 0;
  for (; !set.empty(); set.remove_prefix(read(set, code))) {
    read(set, code);
    codes.push_back(code);
  }
  std::ranges::sort(codes);
  return strip_if(text, side, [&](uint32_t one) { return std::ranges::binary_search(codes, one); });
}

std::vector<std::string_view> split_at_spaces(std::string_view text, int64_t splits) {
  std::vector<std::string_view> parts;
  text = strip(text, Side::left);
  while (!text.empty()) {
    if (splits >= 0 && std::ssize(parts) == splits) {
      parts.push_back(text);
      break;
    }
    size_t end = 0;
    uint32_t code = 0;
    while (end < text.size()) {
      const size_t bytes = read(text.substr(end), code);
      if (is_space(code)) break;
      end += bytes;
    }
    parts.push_back(text.substr(0, end));
    text = strip(text.substr(end), Side::left);
  }
  return parts;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator,
                                    int64_t splits) {
  std::vector<std::string_view> parts;
  while (splits < 0 || std::ssize(parts) < splits) {
    const size_t at = find_part(text, separator);
    if (at == std::string_view::npos) break;
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.push_back(text);
  return parts;
}

std::vector<std::string_view> split_right(std::string_view text, std::string_view separator,
                                          int64_t splits) {
  std::vector<std::string_view> parts;
  while (splits < 0 || std::ssize(parts) < splits) {
    const size_t at = text.rfind(separator);
    if (at == std::string_view::npos) break;
    parts.push_back(text.substr(at + separator.size()));
    text = text.substr(0, at);
  }
  parts.push_back(text);
  std::ranges::reverse(parts);
  return parts;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  size_t at = 0;
  uint32_t code = 0;
  while (at < text.size()) {
    size_t bytes = read(text.substr(at), code);
    if (ends_line(code)) {
      lines.push_back(text.substr(begin, at - begin));
      if (code == '\r' && at + 1 < text.size() && text[at + 1] == '\n') bytes = 2;
      begin = at + bytes;
    }
    at += bytes;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

std::string to_lower(std::string_view text) {
  std::string result;
  uint32_t code = 0;
  while (!text.empty()) {
    const size_t bytes = read(text, code);
    append(result, lower(code), text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return result;
}

std::string to_upper(std::string_view text) {
  std::string result;
  uint32_t code = 0;
  while (!text.empty()) {
    const size_t bytes = read(text, code);
    append_upper(result, code, text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return result;
}

std::string capitalized(std::string_view text) {
  if (text.empty()) return {};
  const size_t first = character_bytes(text);
  return to_upper(text.substr(0, first)) + to_lower(text.substr(first));
}

std::string titled(std::string_view text) {
  std::string result;
  bool in_word = false;
  uint32_t code = 0;
  while (!text.empty()) {
    const size_t bytes = read(text, code);
    const std::string_view character = text.substr(0, bytes);
    result += in_word ? to_lower(character) : to_upper(character);
    in_word = has_case(code);
    text.remove_prefix(bytes);
  }
  return result;
}

std::string titled_words(std::string_view text) {
  std::string result;
  bool in_word = false;
  uint32_t code = 0;
  while (!text.empty()) {
    const size_t bytes = read(text, code);
    const std::string_view character = text.substr(0, bytes);
    result += in_word ? to_lower(character) : to_upper(character);
    in_word = !is_space(code) &&
              (code >= 0x80 ||
               std::string_view("-({[<").find(static_cast<char>(code)) == std::string_view::npos);
    text.remove_prefix(bytes);
  }
  return result;
}

int64_t count_words(std::string_view text) {
  int64_t words = 0;
  bool in_word = false;
  uint32_t code = 0;
  for (; !text.empty(); text.remove_prefix(read(text, code))) {
    read(text, code);
    const bool is_part = code == '_' || is_letter(code) || is_number(code);
    if (is_part && !in_word) words++;
    in_word = is_part;
  }
  return words;
}

bool is_lower(std::string_view text) {
  return all_cased(text, lower);
}

bool is_upper(std::string_view text) {
  return all_cased(text, upper);
}

bool all_characters(std::string_view text, const std::function<bool(uint32_t)>& is_so) {
  if (text.empty()) return false;
  uint32_t code = 0;
  for (; !text.empty(); text.remove_prefix(read(text, code))) {
    read(text, code);
    if (!is_so(code)) return false;
  }
  return true;
}

bool is_letter(uint32_t code) {
  const utf8proc_category_t kind = category(code);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal_digit(uint32_t code) {
  return category(code) == UTF8PROC_CATEGORY_ND;
}

/// Long parts are looked for by the algorithm of Knuth, Morris and Pratt (SIAM Journal on Computing
/// 6(2), 1977): the library's is quadratic where much repeats itself.
size_t find_part(std::string_view text, std::string_view part, size_t from) {
  constexpr size_t kShort = 32;
  if (part.size() <= kShort || from >= text.size()) return text.find(part, from);
  std::vector<size_t> borders(part.size() + 1);  // of the first bytes of `part`
  for (size_t i = 1, border = 0; i < part.size(); i++) {
    while (border > 0 && part[i] != part[border]) border = borders[border];
    borders[i + 1] = border += part[i] == part[border] ? 1 : 0;
  }
  size_t same = 0;
  for (size_t i = from; i < text.size(); i++) {
    while (same > 0 && text[i] != part[same]) same = borders[same];
    same += text[i] == part[same] ? 1 : 0;
    if (same == part.size()) return i + 1 - same;
  }
  return std::string_view::npos;
}

std::string replaced(std::string_view text, std::string_view old, std::string_view by,
                     int64_t count) {
  std::string result;
  for (; count != 0; count--) {
    const size_t at = find_part(text, old);
    if (at == std::string_view::npos) break;
    result += text.substr(0, at);
    result += by;
    text.remove_prefix(at + old.size());
  }
  result += text;
  return result;
}

int64_t count_of(std::string_view text, std::string_view part) {
  int64_t count = 0;
  for (size_t at = find_part(text, part); at != std::string_view::npos;
       at = find_part(text, part, at + part.size()))
    count++;
  return count;
}

}  // namespace troika::jinja
