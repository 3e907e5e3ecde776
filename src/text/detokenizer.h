// Ids to text, one at a time: hands out whole UTF-8 characters as soon as they are complete.
// Tokens may end inside a character; what is not UTF-8 becomes U+FFFD, one per maximal bad run as
// Unicode 3.9 advises.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/ids.h"
#include "text/tokenizer.h"

namespace troika {

/// Cuts a stream of bytes at UTF-8 characters. Any chunking of the same bytes gives the same text.
class Utf8Stream {
 public:
  /// Takes `bytes` and appends to `text` all characters that are complete now; at most 3 bytes stay
  /// held.
  void push(std::string_view bytes, std::string& text);

  /// Ends the stream: an incomplete character becomes one U+FFFD in `text`.
  void flush(std::string& text);

  /// Bytes held back, 0 … 3.
  int held() const { return held_; }

 private:
  std::array<char, 4> bytes_ = {};
  int held_ = 0;
};

/// The text of one growing sequence of ids. Borrows the tokenizer, which must outlive it. One
/// thread at a time.
class Detokenizer {
 public:
  /// @param show_special  print control tokens by their text instead of dropping them.
  explicit Detokenizer(const Tokenizer& tokenizer, bool show_special = false)
      : tokenizer_(&tokenizer), show_special_(show_special) {}

  /// Takes the next id; returns the text that is certain now, valid UTF-8, possibly empty.
  std::string push(TokenId id);

  /// Ends the text: returns what was held (an incomplete character as U+FFFD).
  std::string flush();

 private:
  const Tokenizer* tokenizer_;
  bool show_special_;
  Utf8Stream stream_;
};

}  // namespace troika
