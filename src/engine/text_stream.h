// Bytes of tokens to text that may be shown: whole UTF-8 characters, nothing that may still become
// a stop string, and nothing from a stop string on. How tokens cut the bytes changes when text
// comes out, never which.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/stop_strings.h"
#include "text/detokenizer.h"

namespace troika {

class TextStream {
 public:
  /// @param stop  as check_stop_strings() lets them pass; may be empty.
  explicit TextStream(std::span<const std::string> stop) : stop_(stop) {}

  /// Takes the bytes of the next token and appends to `text` what is certain now. True: a stop
  /// string ended the text; it and what follows are left out, and nothing more is taken.
  ///
  /// @param may_stop  false: a stop string that these bytes complete is text like any other.
  bool push(std::string_view bytes, bool may_stop, std::string& text);

  /// Ends the text: appends what was held back, an incomplete character as U+FFFD.
  void finish(std::string& text);

  /// The number of the stop string that ended the text.
  std::optional<size_t> stopped_by() const { return stopped_by_; }

 private:
  void release(size_t bytes, std::string& text);

  StopStrings stop_;
  std::string held_;  // bytes that may become a stop string
  Utf8Stream characters_;
  std::optional<size_t> stopped_by_;
};

}  // namespace troika
