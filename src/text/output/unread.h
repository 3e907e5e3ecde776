// The part of a model's output that was not taken yet, and the search for markers in it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace troika {

/// Text that comes in at the end and is taken from the front.
class Unread {
 public:
  void append(std::string_view text);
  /// Nothing more will come.
  void end() { ended_ = true; }
  bool ended() const { return ended_; }

  /// Valid until the next append() or take().
  std::string_view text() const { return std::string_view(bytes_).substr(taken_); }
  void take(size_t bytes) { taken_ += bytes; }
  /// Takes leading white space.
  void take_space();

 private:
  std::string bytes_;
  size_t taken_ = 0;
  bool ended_ = false;
};

struct MarkerSearch {
  static constexpr size_t kNone = static_cast<size_t>(-1);
  size_t before = 0;      // bytes that belong to no marker
  size_t marker = kNone;  // the number of that which stands behind them: of several the longest
};

/// Looks for the first of `markers`. None found: what lies behind `before` may still become one;
/// nothing lies there if the text ended.
MarkerSearch find_marker(const Unread& unread, std::span<const std::string_view> markers);

/// ASCII white space, as tags and JSON are surrounded by.
bool is_space(char c);

}  // namespace troika
