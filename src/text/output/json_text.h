// JSON as text: where a value ends, strings in and out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troika {

/// Finds the end of a JSON value that arrives in pieces. It counts brackets outside of strings and
/// checks nothing else: a value is over where its last bracket closes, or, a word or number, before
/// the first byte that cannot belong to it.
class JsonScanner {
 public:
  /// How many of the next bytes belong to the value. White space before it does not count as
  /// belonging: the caller takes it away.
  size_t take(std::string_view text);

  /// Whether the value is over. A word or number at the very end of the text is not.
  bool done() const { return state_ == State::done; }

 private:
  enum class State : uint8_t { start, scalar, nested, string, escape, done };
  /// Whether `c` belongs to the value.
  bool push(char c);

  State state_ = State::start;
  int64_t depth_ = 0;
};

/// Appends `text` as the inside of a JSON string. Bytes above ASCII stay as they are.
void append_json_escaped(std::string_view text, std::string& out);

/// A JSON string in quotes.
std::string quote_json(std::string_view text);

/// Decodes a JSON string in quotes. False: it is none.
bool decode_json_string(std::string_view quoted, std::string& out);

/// Whether `text` is JSON from its first to its last byte.
bool is_json(std::string_view text);

/// `text` without the white space around it.
std::string_view trimmed(std::string_view text);

}  // namespace troika
