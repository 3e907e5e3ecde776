#include "text/output/peek.h"

#include <algorithm>

#include "text/output/json_text.h"

namespace troika {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

}  // namespace

Peek::Peek(const Unread& unread)
    : text_(unread.text().substr(0, kBytesMax)),
      full_(unread.text().size() >= kBytesMax),
      ended_(unread.ended()) {}

bool Peek::no() {
  verdict_ = Verdict::no;
  return false;
}

bool Peek::more() {
  verdict_ = full_ ? Verdict::no : Verdict::more;
  return false;
}

bool Peek::literal(std::string_view wanted) {
  if (failed()) return false;
  if (rest().starts_with(wanted)) {
    at_ += wanted.size();
    return true;
  }
  return wanted.starts_with(rest()) ? more() : no();
}

bool Peek::optional(std::string_view wanted) {
  if (failed()) return false;
  if (rest().starts_with(wanted)) {
    at_ += wanted.size();
    return true;
  }
  if (wanted.starts_with(rest()) && !full_ && !ended_) more();
  return false;
}

bool Peek::space() {
  if (failed()) return false;
  while (at_ < text_.size() && is_space(text_[at_])) at_++;
  return at_ < text_.size() || more();
}

bool Peek::until(std::string_view end, std::string& out, std::string_view never) {
  if (failed()) return false;
  const size_t length = rest().find(end);
  const std::string_view body = rest().substr(0, length);
  if (body.find_first_of(never) < body.size() || body.size() > kNameMax + end.size()) return no();
  if (length == std::string_view::npos) return more();
  if (length == 0 || length > kNameMax) return no();
  out = body;
  at_ += length + end.size();
  return true;
}

bool Peek::word(std::string& out) {
  if (failed()) return false;
  const std::string_view text = rest();
  const auto end = std::ranges::find_if_not(text, is_word);
  const auto length = static_cast<size_t>(end - text.begin());
  if (length > kNameMax) return no();
  if (length == text.size()) return more();
  if (length == 0) return no();
  out = text.substr(0, length);
  at_ += length;
  return true;
}

bool Peek::json_value(std::string& out) {
  if (failed()) return false;
  JsonScanner scanner;
  const size_t length = scanner.take(rest());
  if (!scanner.done()) return more();
  if (length == 0) return no();
  out = rest().substr(0, length);
  at_ += length;
  return true;
}

bool Peek::json_string(std::string& out) {
  std::string quoted;
  if (!next_is("\"") || !json_value(quoted)) return false;
  return decode_json_string(quoted, out) || no();
}

bool Peek::next(char& c) {
  if (failed()) return false;
  if (at_ == text_.size()) return more();
  c = text_[at_];
  return true;
}

bool Peek::next_is(std::string_view bytes) {
  char c = 0;
  if (!next(c)) return false;
  return bytes.find(c) != std::string_view::npos || no();
}

}  // namespace troika
