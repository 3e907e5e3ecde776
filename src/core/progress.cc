#include "core/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace troika {
namespace {

constexpr std::string_view kEraseLine = "\r\x1b[K";
constexpr int64_t kBarColumns = 24;

int64_t steady_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Progress Progress::on(std::FILE* stream) {
  if (isatty(fileno(stream)) == 0) return {};
  const auto write = [stream](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stream);
    std::fflush(stream);
  };
  return {write, steady_ms};
}

void Progress::show(std::string_view what, int64_t done, int64_t total) {
  if (total <= 0) return;
  if (report_) report_(what, done, total);
  if (!write_) return;
  const int64_t now = now_ms_();
  if (what != what_) {
    finish();
    what_ = what;
    next_draw_ms_ = now + kDelayMs;
  }
  if (now < next_draw_ms_) return;
  next_draw_ms_ = now + kIntervalMs;
  drawn_ = true;
  const double share = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
  const auto filled = static_cast<int64_t>(share * kBarColumns);
  write_(fmt::format("{}{} [{:=<{}}{:<{}}] {:3.0f} %", kEraseLine, what_, "", filled, "",
                     kBarColumns - filled, share * 100));
}

void Progress::finish() {
  if (drawn_) write_(kEraseLine);
  drawn_ = false;
  what_.clear();
}

}  // namespace troika
