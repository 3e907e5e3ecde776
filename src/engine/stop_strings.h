// Finds the first of several strings in a text that arrives byte by byte, wherever tokens cut it.
// Each string is followed by its own automaton (Knuth, Morris and Pratt, SIAM J. Comput. 6, 1977),
// so no byte is looked at twice and the text itself is not kept.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"

namespace troika {

inline constexpr int64_t kStopStringsMax = 256;       // of a request
inline constexpr int64_t kStopStringBytesMax = 4096;  // of one of them

/// Checks the stop strings of a request. They are bytes: UTF-8 matches whole characters by itself.
/// Errors: invalid_argument — too many of them, or one that is empty or too long, by its number.
Status check_stop_strings(std::span<const std::string> strings);

/// A value: a copy goes on from the same text.
class StopStrings {
 public:
  /// @param strings  as check_stop_strings() lets them pass.
  explicit StopStrings(std::span<const std::string> strings);

  /// Takes the next byte of the text; returns the number of the string that ends with it: of
  /// several the longest, of equals the first. Cost: O(strings), amortised.
  std::optional<size_t> push(char byte);

  /// Bytes at the end of the text that may become a stop string: nobody should show them yet.
  size_t held() const;

  const std::string& string(size_t number) const { return patterns_[number].bytes; }

 private:
  struct Pattern {
    std::string bytes;
    std::vector<uint32_t> border;  // [bytes + 1]: of its first i, the longest end that is a
                                   // beginning, short of all
    uint32_t matched = 0;          // bytes of it that the text ends with
  };
  std::vector<Pattern> patterns_;
};

}  // namespace troika
