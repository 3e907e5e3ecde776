// Logs: one JSON object a line, with a time, a level, a message and fields.
//
//   {"time":"2026-11-20T20:15:04.123Z","level":"info","message":"request ended","request":"..."}
//
// Lines are made by whoever logs and written by a thread of the log's own, so that a terminal or a
// pipe that nobody reads holds nobody up: beyond lines_max waiting lines, new ones are dropped and
// counted. Prompts, answers and keys are never given to it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <variant>

namespace troika::serve {

enum class LogLevel : uint8_t { debug, info, warning, error };

/// A name and a value of a line.
struct LogField {
  std::string_view name;
  std::variant<std::string_view, int64_t, double, bool> value;

  LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
  LogField(std::string_view field, const std::string& text)
      : name(field), value(std::string_view(text)) {}
  LogField(std::string_view field, const char* text) : name(field), value(std::string_view(text)) {}
  LogField(std::string_view field, int64_t number) : name(field), value(number) {}
  LogField(std::string_view field, int number) : name(field), value(int64_t{number}) {}
  LogField(std::string_view field, double number) : name(field), value(number) {}
  LogField(std::string_view field, bool flag) : name(field), value(flag) {}
};

using LogFields = std::initializer_list<LogField>;

/// One line, with its end. Invalid bytes become U+FFFD; texts are cut after kLogTextBytesMax.
inline constexpr size_t kLogTextBytesMax = 2048;
std::string log_line(int64_t time_ms, LogLevel level, std::string_view message, LogFields fields);

struct LogOptions {
  LogLevel level = LogLevel::info;  // less urgent lines are not made
  int64_t lines_max = 8192;
  int descriptor = 2;  // borrowed
  /// Milliseconds since 1970, UTC; empty: the system's.
  std::function<int64_t()> clock_ms;
};

/// Thread: any.
class Log {
 public:
  explicit Log(LogOptions options = {});
  /// Writes what waits, if somebody takes it.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void debug(std::string_view message, LogFields fields = {}) {
    write(LogLevel::debug, message, fields);
  }
  void info(std::string_view message, LogFields fields = {}) {
    write(LogLevel::info, message, fields);
  }
  void warning(std::string_view message, LogFields fields = {}) {
    write(LogLevel::warning, message, fields);
  }
  void error(std::string_view message, LogFields fields = {}) {
    write(LogLevel::error, message, fields);
  }

  /// Returns when all lines of before are written.
  void flush();

  int64_t lines_dropped() const;

 private:
  void write(LogLevel level, std::string_view message, LogFields fields);
  void run();

  LogOptions options_;
  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable wake_, written_;
  std::string waiting_;  // lines
  int64_t lines_waiting_ = 0;
  int64_t lines_dropped_ = 0;
  bool writing_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace troika::serve
