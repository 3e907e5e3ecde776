// Keyword arguments of a Python call. Held until the parenthesis that closes the call: a literal of
// Python shows what it is at its end.
#include <algorithm>
#include <cstdint>
#include <optional>

#include "text/output/arguments.h"
#include "text/output/json_text.h"

namespace troika {
namespace {

constexpr int kDepthMax = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

void append_utf8(uint32_t code, std::string& out) {
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) code = 0xfffd;
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// Python's literals to JSON. Each reader returns false where it meets something else.
class Literals {
 public:
  explicit Literals(std::string_view text) : rest_(text) {}

  /// k=v, k=v to the end, as an object.
  bool arguments(std::string& json) {
    json += '{';
    space();
    for (bool first = true; !rest_.empty(); first = false) {
      const size_t length = std::min(rest_.find('='), rest_.size());
      const std::string_view name = trimmed(rest_.substr(0, length));
      if (length == rest_.size() || name.empty()) return false;
      rest_.remove_prefix(length + 1);
      if (name.find_first_of("\"'(){}[], ") < name.size()) return false;
      if (!first) json += ", ";
      json += quote_json(name) + ": ";
      if (!value(json, 0)) return false;
      if (!rest_.empty() && !take(',')) return false;
      space();
    }
    json += '}';
    return true;
  }

 private:
  void space() { rest_.remove_prefix(rest_.size() - left_trimmed().size()); }
  std::string_view left_trimmed() const {
    const size_t at = rest_.find_first_not_of(" \n\t\r");
    return rest_.substr(std::min(at, rest_.size()));
  }
  bool take(char c) {
    space();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool value(std::string& json, int depth) {
    space();
    if (rest_.empty() || depth == kDepthMax) return false;
    bool good = false;
    switch (rest_.front()) {
      case '"':
      case '\'':
        good = string(json);
        break;
      case '[':
        good = list(json, '[', ']', depth);
        break;
      case '(':
        good = list(json, '(', ')', depth);
        break;
      case '{':
        good = dictionary(json, depth);
        break;
      default:
        good = word(json);
    }
    space();
    return good;
  }

  bool word(std::string& json) {
    const size_t length = std::min(rest_.find_first_of(",)]}: \n\t\r"), rest_.size());
    const std::string_view text = rest_.substr(0, length);
    rest_.remove_prefix(length);
    if (text == "True" || text == "true") return (json += "true", true);
    if (text == "False" || text == "false") return (json += "false", true);
    if (text == "None" || text == "null") return (json += "null", true);
    json += text;
    return !text.empty() && is_json(text);
  }

  bool list(std::string& json, char open, char close, int depth) {
    json += '[';
    if (!take(open)) return false;
    for (bool first = true; !take(close); first = false) {
      if (!first) json += ", ";
      if (!value(json, depth + 1)) return false;
      if (!take(',') && left_trimmed().substr(0, 1) != std::string_view(&close, 1)) return false;
    }
    json += ']';
    return true;
  }

  bool dictionary(std::string& json, int depth) {
    json += '{';
    if (!take('{')) return false;
    for (bool first = true; !take('}'); first = false) {
      if (!first) json += ", ";
      space();
      if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) return false;
      if (!string(json) || !take(':')) return false;
      json += ": ";
      if (!value(json, depth + 1)) return false;
      if (!take(',') && !left_trimmed().starts_with('}')) return false;
    }
    json += '}';
    return true;
  }

  bool string(std::string& json) {
    const std::string three(3, rest_.front());
    const std::string_view quote = std::string_view(three).substr(rest_.starts_with(three) ? 0 : 2);
    rest_.remove_prefix(quote.size());
    std::string text;
    while (!rest_.starts_with(quote)) {
      if (rest_.empty() || !character(text)) return false;
    }
    rest_.remove_prefix(quote.size());
    json += quote_json(text);
    return true;
  }

  bool character(std::string& text) {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c != '\\') return (text += c, true);
    if (rest_.empty()) return false;
    const char escaped = rest_.front();
    rest_.remove_prefix(1);
    static constexpr std::string_view kNames = "ntrbfav0\\'\"",
                                      kValues("\n\t\r\b\f\a\v\0\\'\"", 11);
    if (const size_t at = kNames.find(escaped); at < kNames.size())
      return (text += kValues[at], true);
    if (escaped == '\n') return true;
    if (escaped == 'x') return code(2, text);
    if (escaped == 'u') return code(4, text);
    if (escaped == 'U') return code(8, text);
    text += '\\';  // Python keeps what it does not know
    text += escaped;
    return true;
  }

  bool code(size_t digits, std::string& text) {
    uint32_t value = 0;
    for (size_t i = 0; i < digits; i++, rest_.remove_prefix(1)) {
      if (rest_.empty()) return false;
      const char c = static_cast<char>(rest_.front() | 0x20);
      if (!is_digit(c) && (c < 'a' || c > 'f')) return false;
      value = value * 16 + static_cast<uint32_t>(is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    append_utf8(value, text);
    return true;
  }

  std::string_view rest_;
};

class PythonArguments final : public ArgumentsReader {
 public:
  Reading read(Unread& unread, std::string& json) override {
    const std::string_view text = unread.text().substr(0, kHeldMax + 1 - held_.size());
    size_t bytes = 0;
    while (bytes < text.size() && depth_ > 0) push(text[bytes++]);
    held_ += text.substr(0, bytes);
    unread.take(bytes);
    if (depth_ > 0 && held_.size() <= kHeldMax) return Reading::more;
    if (depth_ > 0) return (json += held_, Reading::broken);
    held_.pop_back();
    std::string converted;
    json += Literals(held_).arguments(converted) ? converted : held_;
    return Reading::done;
  }

 private:
  void push(char c) {
    if (state_ == State::opening || state_ == State::two) {
      const bool again = c == quote_;
      const bool empty = state_ == State::two && !again;  // "" was all of it
      if (again) state_ = state_ == State::opening ? State::two : State::three;
      if (!again) state_ = empty ? State::code : State::one;
      if (again) return;
    }
    if (state_ == State::code)
      push_code(c);
    else
      push_text(c);
  }

  // Inside of a string, which one quote ends, or three in a row.
  void push_text(char c) {
    if (escaped_) {
      escaped_ = false;
      return;
    }
    escaped_ = c == '\\';
    quotes_ = c == quote_ ? quotes_ + 1 : 0;
    if (quotes_ < (state_ == State::three ? 3 : 1)) return;
    quotes_ = 0;
    state_ = State::code;
  }

  void push_code(char c) {
    if (c == '"' || c == '\'') {
      quote_ = c;
      quotes_ = 0;
      state_ = State::opening;
    } else if (c == '(' || c == '[' || c == '{') {
      depth_++;
    } else if (c == ')' || c == ']' || c == '}') {
      depth_--;
    }
  }

  // Outside of strings; behind one quote, behind two; inside of a string of one quote, of three.
  enum class State { code, opening, two, one, three };

  int64_t depth_ = 1;  // the call's own parenthesis
  State state_ = State::code;
  char quote_ = 0;
  int quotes_ = 0;  // in a row, at which a string may end
  bool escaped_ = false;
  std::string held_;
};

}  // namespace

std::unique_ptr<ArgumentsReader> read_python_arguments() {
  return std::make_unique<PythonArguments>();
}

}  // namespace troika
