#include "engine/retry_estimate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace troika {
namespace {

constexpr size_t kTicketsMax = 1 << 10;
constexpr double kKeptMinS = 1;

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

void RetryTickets::forget_lapsed(double now_s) {
  while (!by_lapse_.empty() && by_lapse_.begin()->first <= now_s) erase(by_lapse_.begin()->second);
}

int64_t RetryTickets::ahead(double now_s, RequestId id) const {
  const auto found = tickets_.find(id);
  const double own_s =
      found == tickets_.end() ? std::numeric_limits<double>::infinity() : found->second.turn_s;
  int64_t ahead = 0;
  for (const auto& [turn_s, other] : by_turn_) {
    if (turn_s > now_s || turn_s >= own_s) break;
    ahead++;
  }
  return ahead;
}

std::optional<double> RetryTickets::due_s(RequestId id) const {
  const auto found = tickets_.find(id);
  if (found == tickets_.end()) return std::nullopt;
  return found->second.due_s;
}

void RetryTickets::promise(RequestId id, double now_s, double after_s) {
  const double due_s = now_s + after_s;
  const auto found = tickets_.find(id);
  const double turn_s = found == tickets_.end() ? due_s : found->second.turn_s;
  erase(id);
  if (tickets_.size() >= kTicketsMax) return;
  const double lapse_s = due_s + std::max(kKeptMinS, after_s / 4);
  tickets_.emplace(id, Ticket{turn_s, due_s, lapse_s});
  by_turn_.emplace(turn_s, id);
  by_lapse_.emplace(lapse_s, id);
}

void RetryTickets::erase(RequestId id) {
  const auto found = tickets_.find(id);
  if (found == tickets_.end()) return;
  by_turn_.erase({found->second.turn_s, id});
  by_lapse_.erase({found->second.lapse_s, id});
  tickets_.erase(found);
}

}  // namespace troika
