// Source of the rules: Jinja's documentation, "Whitespace Control" and "Literals", and how Jinja
// 3.1 behaves where that is silent.
#include <charconv>
#include <cstdint>
#include <optional>

#include "text/jinja/limits.h"
#include "text/jinja/string_literal.h"
#include "text/jinja/token.h"

namespace troika::jinja {
namespace {

constexpr std::string_view kSpaces = " \t\n\v\f\r";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// One kind of newline, and none at the end.
std::string normalized(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); i++) {
    if (source[i] == '\r') {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') i++;
    } else {
      text += source[i];
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalized(source)), rest_(source_) {}

  Result<std::vector<Token>> run() {
    while (!rest_.empty()) TROIKA_RETURN_IF_ERROR(next_piece());
    add(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  template <typename... Args>
  Error fail(fmt::format_string<Args...> format, Args&&... args) const {
    return Error(ErrorCode::corrupt, fmt::format("line {}: {}", line_,
                                                 fmt::format(format, std::forward<Args>(args)...)));
  }

  void add(TokenKind kind, std::string text) {
    tokens_.push_back({.kind = kind, .text = std::move(text), .line = line_});
  }

  void skip(size_t bytes) {
    for (const char c : rest_.substr(0, bytes)) line_ += c == '\n';
    if (bytes > 0) at_line_start_ = rest_[bytes - 1] == '\n';
    rest_.remove_prefix(bytes);
  }

  void skip_spaces() {
    const size_t end = rest_.find_first_not_of(kSpaces);
    skip(end == std::string_view::npos ? rest_.size() : end);
  }

  /// Text up to the next tag, then the tag.
  Status next_piece() {
    size_t begin = rest_.find('{');
    while (begin != std::string_view::npos &&
           (begin + 1 == rest_.size() ||
            std::string_view("{%#").find(rest_[begin + 1]) == std::string_view::npos))
      begin = rest_.find('{', begin + 1);
    if (begin == std::string_view::npos) {
      add(TokenKind::data, std::string(rest_));
      skip(rest_.size());
      return ok();
    }
    const char tag = rest_[begin + 1];
    const char mark = begin + 2 < rest_.size() ? rest_[begin + 2] : ' ';
    const std::string_view kept = before_tag(rest_.substr(0, begin), tag, mark);
    if (!kept.empty()) add(TokenKind::data, std::string(kept));
    skip(begin + 2 + (mark == '-' || mark == '+' ? 1 : 0));
    if (tag == '#') return skip_comment();
    if (tag == '{') return read_tag(TokenKind::print_begin, TokenKind::print_end, "}}");
    if (const size_t body = raw_begin()) return read_raw(body);
    return read_tag(TokenKind::block_begin, TokenKind::block_end, "%}");
  }

  /// What is left of `text` before a tag whose second sign is `tag`, with `mark` behind it.
  std::string_view before_tag(std::string_view text, char tag, char mark) const {
    if (mark == '-') {
      const size_t last = text.find_last_not_of(kSpaces);
      return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    }
    if (mark == '+' || tag == '{') return text;
    const size_t newline = text.rfind('\n');
    if (newline == std::string_view::npos && !at_line_start_) return text;
    const size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    const bool blank = text.find_first_not_of(kSpaces, line) == std::string_view::npos;
    return blank ? text.substr(0, line) : text;
  }

  /// Skips the end of a tag, `mark` before it included. `trims` says whether a newline behind goes.
  void skip_end(size_t bytes, char mark, bool trims) {
    skip(bytes);
    if (mark == '-')
      skip_spaces();
    else if (trims && mark != '+' && rest_.starts_with('\n'))
      skip(1);
  }

  Status skip_comment() {
    const size_t end = rest_.find("#}");
    if (end == std::string_view::npos) return fail("a comment without #}}");
    const char mark = end > 0 ? rest_[end - 1] : ' ';
    skip_end(end + 2, mark, true);
    return ok();
  }

  /// Bytes up to the end of a {% raw %} whose beginning was skipped; 0 if it is another tag.
  size_t raw_begin() const {
    size_t at = rest_.find_first_not_of(kSpaces);
    if (at == std::string_view::npos || !rest_.substr(at).starts_with("raw")) return 0;
    at = rest_.find_first_not_of(kSpaces, at + 3);
    if (at == std::string_view::npos) return 0;
    if (rest_.substr(at).starts_with("%}")) return at + 2;
    return rest_.substr(at).starts_with("-%}") ? at + 3 : 0;
  }

  /// The text of {% raw %}: up to the first {% endraw %}.
  Status read_raw(size_t body) {
    const char mark = rest_[body - 3];
    skip(body);
    if (mark == '-') skip_spaces();
    for (size_t begin = rest_.find("{%"); begin != std::string_view::npos;
         begin = rest_.find("{%", begin + 2)) {
      size_t at = begin + 2;
      const char open = at < rest_.size() ? rest_[at] : ' ';
      if (open == '-' || open == '+') at++;
      at = rest_.find_first_not_of(kSpaces, at);
      if (at == std::string_view::npos || !rest_.substr(at).starts_with("endraw")) continue;
      at = rest_.find_first_not_of(kSpaces, at + 6);
      if (at == std::string_view::npos) break;
      const char close = rest_[at];
      if (close == '-' || close == '+') at++;
      if (!rest_.substr(at).starts_with("%}")) continue;
      const std::string_view kept = before_tag(rest_.substr(0, begin), '%', open);
      if (!kept.empty()) add(TokenKind::data, std::string(kept));
      skip_end(at + 2, close, true);
      return ok();
    }
    return fail("{{% raw %}} without {{% endraw %}}");
  }

  Status read_tag(TokenKind begin, TokenKind end, std::string_view closing) {
    add(begin, "");
    const int opened = line_;
    std::string brackets;  // those open
    while (true) {
      skip_spaces();
      if (rest_.empty()) break;
      if (brackets.empty()) {
        const bool marked = rest_[0] == '-' || (rest_[0] == '+' && end == TokenKind::block_end);
        if (rest_.substr(marked ? 1 : 0).starts_with(closing)) {
          add(end, "");
          skip_end(marked ? 3 : 2, marked ? rest_[0] : ' ', end == TokenKind::block_end);
          return ok();
        }
      }
      TROIKA_RETURN_IF_ERROR(read_token(brackets));
    }
    line_ = opened;
    return fail("a tag without {}", closing);
  }

  Status read_token(std::string& brackets) {
    const char c = rest_[0];
    if (is_name_start(c)) {
      size_t end = 1;
      while (end < rest_.size() && (is_name_start(rest_[end]) || is_digit(rest_[end]))) end++;
      add(TokenKind::name, std::string(rest_.substr(0, end)));
      skip(end);
      return ok();
    }
    if (is_digit(c)) return read_number();
    if (c == '"' || c == '\'') return read_string();
    return read_sign(brackets);
  }

  Status read_string() {
    const char quote = rest_[0];
    size_t end = 1;
    while (end < rest_.size() && rest_[end] != quote) end += rest_[end] == '\\' ? 2 : 1;
    if (end >= rest_.size()) return fail("a string without its closing {}", quote);
    add(TokenKind::string, unescaped(rest_.substr(1, end - 1)));
    skip(end + 1);
    return ok();
  }

  /// Digits, with single underscores between them, from `at` on.
  size_t digits_end(size_t at, auto is_one) const {
    while (at < rest_.size() && (is_one(rest_[at]) || (rest_[at] == '_' && at + 1 < rest_.size() &&
                                                       is_one(rest_[at + 1]))))
      at++;
    return at;
  }

  Status read_number() {
    const char kind = rest_.size() > 1 && rest_[0] == '0' ? rest_[1] | 0x20 : ' ';
    const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
    if (base != 10) return read_integer(2, base);
    // "a.0.1" asks for items of items: no fraction behind a dot.
    const bool after_dot = !tokens_.empty() && tokens_.back().is_sign(".");
    const size_t whole = digits_end(0, is_digit);
    size_t end = whole;
    if (!after_dot && end + 1 < rest_.size() && rest_[end] == '.' && is_digit(rest_[end + 1]))
      end = digits_end(end + 1, is_digit);
    size_t exponent = end;
    if (!after_dot && end < rest_.size() && (rest_[end] | 0x20) == 'e') {
      exponent++;
      if (exponent < rest_.size() && (rest_[exponent] == '-' || rest_[exponent] == '+')) exponent++;
      if (exponent < rest_.size() && is_digit(rest_[exponent]))
        end = digits_end(exponent, is_digit);
    }
    if (end == whole) return read_integer(0, 10);
    add(TokenKind::real, without_underscores(rest_.substr(0, end)));
    skip(end);
    return ok();
  }

  Status read_integer(size_t at, int base) {
    const auto is_one = [base](char c) {
      const int value = is_digit(c) ? c - '0' : (c | 0x20) >= 'a' ? (c | 0x20) - 'a' + 10 : 99;
      return value < base;
    };
    const size_t end = digits_end(at, is_one);
    const std::string digits = without_underscores(rest_.substr(at, end - at));
    int64_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (digits.empty() || read.ec != std::errc()) return fail("an integer out of range");
    add(TokenKind::integer, std::to_string(value));
    skip(end);
    return ok();
  }

  static std::string without_underscores(std::string_view digits) {
    std::string text(digits);
    std::erase(text, '_');
    return text;
  }

  Status read_sign(std::string& brackets) {
    constexpr std::string_view kLong[] = {"//", "**", "==", "!=", ">=", "<="};
    constexpr std::string_view kShort = "+-/*%~<>=.:|,;()[]{}";
    for (const std::string_view sign : kLong)
      if (rest_.starts_with(sign)) {
        add(TokenKind::sign, std::string(sign));
        skip(2);
        return ok();
      }
    const char c = rest_[0];
    if (kShort.find(c) == std::string_view::npos) return fail("'{}' means nothing in a tag", c);
    if (c == '(' || c == '[' || c == '{') brackets += c;
    if (c == ')' || c == ']' || c == '}') {
      const char opening = c == ')' ? '(' : c == ']' ? '[' : '{';
      if (!brackets.ends_with(opening)) return fail("'{}' closes nothing", c);
      brackets.pop_back();
    }
    add(TokenKind::sign, std::string(1, c));
    skip(1);
    return ok();
  }

  std::string source_;
  std::string_view rest_;
  std::vector<Token> tokens_;
  int line_ = 1;
  bool at_line_start_ = true;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) {
  if (static_cast<int64_t>(source.size()) > kSourceBytesMax)
    return fail(ErrorCode::corrupt, "a template of {} bytes, at most {}", source.size(),
                kSourceBytesMax);
  return Lexer(source).run();
}

}  // namespace troika::jinja
