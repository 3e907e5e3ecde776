// A bar for work that takes seconds: reading weights, a long prompt. An object that is passed to
// the work, so that a library draws nothing by itself.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace troika {

/// Shows how far one piece of work is, then the next. Silent unless made for a terminal. Used by
/// one thread at a time.
class Progress {
 public:
  /// Shows nothing.
  Progress() = default;

  /// Draws on `stream` (borrowed; stderr, as a rule) if it is a terminal, else shows nothing.
  /// POSIX.
  static Progress on(std::FILE* stream);

  /// Draws through `write`, at times that `now_ms` tells; for tests and other displays.
  Progress(std::function<void(std::string_view)> write, std::function<int64_t()> now_ms)
      : write_(std::move(write)), now_ms_(std::move(now_ms)) {}

  /// Draws nothing and passes on each call of show(); for programs with displays of their own.
  using Report = std::function<void(std::string_view what, int64_t done, int64_t total)>;
  explicit Progress(Report report) : report_(std::move(report)) {}

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Erases what is drawn.
  ~Progress() { finish(); }

  /// Whether anything is ever drawn.
  bool shows() const { return static_cast<bool>(write_); }

  /// `done` of `total` units (bytes, tokens; total > 0) of `what` are done. Another `what` than
  /// before is new work. Draws at most every kIntervalMs, and nothing for the first kDelayMs of
  /// some work, so that quick work does not flicker; cheap otherwise.
  void show(std::string_view what, int64_t done, int64_t total);

  /// Ends the work and erases the line, so that text can follow. Harmless when there is none.
  void finish();

  static constexpr int64_t kDelayMs = 300;
  static constexpr int64_t kIntervalMs = 100;

 private:
  std::function<void(std::string_view)> write_;  // empty: silent
  std::function<int64_t()> now_ms_;
  Report report_;     // empty: none
  std::string what_;  // empty: no work
  int64_t next_draw_ms_ = 0;
  bool drawn_ = false;
};

}  // namespace troika
