#include "engine/pace.h"

#include <algorithm>

namespace troika {
namespace {

constexpr double kShare = 0.1;            // of a new time in the mean
constexpr int64_t kRowsTold = 16;         // fewer say little about a row
constexpr int64_t kPromptRowsMin = 16;    // in any step
constexpr double kWrittenCostMin = 0.25;  // where a batch writes faster than it reads
constexpr double kWrittenCostMax = 64;

void mean(double& value, double seen) {
  value = value == 0 ? seen : value + kShare * (seen - value);
}

}  // namespace

void Pace::observe(int64_t prompt_rows, int64_t written, double ms) {
  if (!(ms > 0)) return;
  if (prompt_rows == 0) {
    if (written == 0) return;
    mean(writing_ms_, ms);
    mean(written_ms_, ms / static_cast<double>(written));
    return;
  }
  const double reading = written > 0 ? ms - writing_ms_ : ms;
  if (prompt_rows >= kRowsTold && reading > 0)
    mean(row_ms_, reading / static_cast<double>(prompt_rows));
}

int64_t Pace::prompt_rows_max(int64_t rows_max, int64_t writers) const {
  if (step_ms_max_ == 0 || writers == 0 || row_ms_ == 0) return rows_max;
  const double rows = (step_ms_max_ - writing_ms_) / row_ms_;
  const double most = static_cast<double>(rows_max);
  return std::max(std::min(kPromptRowsMin, rows_max), static_cast<int64_t>(std::min(rows, most)));
}

double Pace::written_cost() const {
  if (row_ms_ == 0 || written_ms_ == 0) return 2;
  return std::clamp(written_ms_ / row_ms_, kWrittenCostMin, kWrittenCostMax);
}

}  // namespace troika
