#include "engine/retry_estimate.h"

#include <algorithm>
#include <cmath>

namespace troika {
namespace {

constexpr size_t kTicketsMax = 1 << 14;

}  // namespace

double forecast_start_s(int64_t place, const StartForecast& forecast) {
  const double share = std::clamp(forecast.share, 1e-6, 1.0);
  // Of all starts, the one that is this tenant's number `place`.
  const auto start = static_cast<int64_t>(std::ceil(static_cast<double>(place) / share - 1e-9));
  const double read_s = static_cast<double>(start) * forecast.prompts_s;
  std::vector<double>& ends = *forecast.ends_s;
  if (ends.empty()) return read_s;
  std::ranges::sort(ends);
  const auto lanes = std::ssize(ends);
  const auto round = static_cast<double>((start - 1) / lanes);
  const double end_s = ends[static_cast<size_t>((start - 1) % lanes)] + round * forecast.sequence_s;
  return std::max(read_s, end_s);
}

int64_t RetryTickets::open(double now_s) {
  while (!due_s_.empty() && due_s_.front() <= now_s) due_s_.pop_front();
  return std::ssize(due_s_);
}

void RetryTickets::add(double due_s) {
  if (due_s_.size() == kTicketsMax) return;
  due_s_.insert(std::ranges::upper_bound(due_s_, due_s), due_s);
}

}  // namespace troika
