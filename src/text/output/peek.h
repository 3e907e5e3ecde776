// Reads ahead in a text that may not be all there yet, taking nothing: the head of a call is read
// again from its start until it is complete, or cannot become one.
//
//   Peek at(unread);
//   if (at.literal("<tool_call>") && at.space() && at.json_string(name)) ...
//   else at.verdict() says whether more text could change that.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "text/output/unread.h"

namespace troika {

enum class Verdict { no, more, yes };

/// Each reader goes on behind what it read and returns true, or returns false for good: then the
/// verdict is `no`, or `more` where the text was too short to tell, be it at its end.
class Peek {
 public:
  static constexpr size_t kBytesMax = 8192;  // of a head; a longer one is none
  static constexpr size_t kNameMax = 256;    // bytes of a name or an id

  explicit Peek(const Unread& unread);

  Verdict verdict() const { return verdict_; }
  /// Bytes read, all in all.
  size_t bytes() const { return at_; }

  bool literal(std::string_view wanted);
  /// Whether `wanted` comes next, read if so. A text too short to tell fails, unless it ended.
  bool optional(std::string_view wanted);
  bool space();
  /// At least one byte and at most kNameMax, up to `end`, which is read too. None of them may be
  /// one of `never`.
  bool until(std::string_view end, std::string& out, std::string_view never = {});
  /// A name of letters, digits and "_-." .
  bool word(std::string& out);
  /// A JSON string, decoded.
  bool json_string(std::string& out);
  /// A JSON value as it stands.
  bool json_value(std::string& out);
  /// The next byte, not read.
  bool next(char& c);
  /// Whether the next byte is one of `bytes`, not read.
  bool next_is(std::string_view bytes);

  bool failed() const { return verdict_ != Verdict::yes; }
  /// Gives up: this is not what was looked for.
  bool no();

 private:
  std::string_view rest() const { return text_.substr(at_); }
  bool more();

  std::string_view text_;
  bool full_;   // as long as a head may be
  bool ended_;  // nothing will follow
  size_t at_ = 0;
  Verdict verdict_ = Verdict::yes;
};

}  // namespace troika
