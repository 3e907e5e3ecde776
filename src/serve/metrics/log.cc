#include "serve/metrics/log.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <ctime>
#include <utility>

namespace troika::serve {
namespace {

// A destructor waits so long for a reader that does not read.
constexpr int kPatienceMs = 1000;

std::string_view level_name(LogLevel level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  return kNames[static_cast<size_t>(level)];
}

/// Bytes of the UTF-8 character that `text` begins with; 0: it is none.
size_t character_bytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80) return 1;
  const size_t bytes = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < bytes) return 0;
  for (size_t i = 1; i < bytes; i++)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const bool overlong = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xf0 && byte(1) < 0x90);
  const bool beyond = (byte(0) == 0xed && byte(1) > 0x9f) || (byte(0) == 0xf4 && byte(1) > 0x8f);
  return overlong || beyond ? 0 : bytes;
}

void append_text(std::string& line, std::string_view text) {
  line += '"';
  const bool cut = text.size() > kLogTextBytesMax;
  text = text.substr(0, kLogTextBytesMax);
  while (!text.empty()) {
    const size_t bytes = character_bytes(text);
    const char c = text[0];
    if (bytes == 0) {
      line += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (bytes == 1 && (static_cast<uint8_t>(c) < 0x20 || c == 0x7f)) {
      line += fmt::format("\\u{:04x}", static_cast<uint8_t>(c));
    } else {
      line += text.substr(0, bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  line += cut ? "...\"" : "\"";
}

void append_value(std::string& line, const LogField& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    append_text(line, *text);
  } else if (const auto* number = std::get_if<int64_t>(&field.value)) {
    line += fmt::format("{}", *number);
  } else if (const auto* real = std::get_if<double>(&field.value)) {
    line += std::isfinite(*real) ? fmt::format("{}", *real) : "null";
  } else {
    line += std::get<bool>(field.value) ? "true" : "false";
  }
}

std::string time_text(int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, ms % 1000);
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      pollfd wait{descriptor, POLLOUT, 0};
      (void)poll(&wait, 1, kPatienceMs);
    } else if (written == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string log_line(int64_t time_ms, LogLevel level, std::string_view message, LogFields fields) {
  std::string line = fmt::format(
      "{{\"time\":\"{}\",\"level\":\"{}\",\"message\":", time_text(time_ms), level_name(level));
  append_text(line, message);
  for (const LogField& field : fields) {
    line += ',';
    append_text(line, field.name);
    line += ':';
    append_value(line, field);
  }
  return line + "}\n";
}

Log::Log(LogOptions options) : options_(std::move(options)), thread_([this] { run(); }) {}

Log::~Log() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Log::write(LogLevel level, std::string_view message, LogFields fields) {
  if (level < options_.level) return;
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  const int64_t now_ms = options_.clock_ms
                             ? options_.clock_ms()
                             : std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  std::string line = log_line(now_ms, level, message, fields);
  {
    const std::lock_guard lock(mutex_);
    if (lines_waiting_ >= options_.lines_max) {
      lines_dropped_++;
      return;
    }
    lines_waiting_++;
    waiting_ += line;
  }
  wake_.notify_one();
}

void Log::flush() {
  std::unique_lock lock(mutex_);
  written_.wait(lock, [&] { return waiting_.empty() && !writing_; });
}

int64_t Log::lines_dropped() const {
  const std::lock_guard lock(mutex_);
  return lines_dropped_;
}

void Log::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::string lines = std::exchange(waiting_, {});
    lines_waiting_ = 0;
    writing_ = true;
    lock.unlock();
    const bool taken = write_all(options_.descriptor, lines);
    lock.lock();
    writing_ = false;
    if (!taken) lines_dropped_++;
    written_.notify_all();
  }
}

}  // namespace troika::serve
