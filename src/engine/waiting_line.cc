#include "engine/waiting_line.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace troika {

void WaitingLine::push_back(PriorityClass priority, const Waiting& waiting) {
  classes_[static_cast<size_t>(priority)].push_back(waiting);
}

void WaitingLine::push_front(PriorityClass priority, const Waiting& waiting) {
  classes_[static_cast<size_t>(priority)].push_front(waiting);
}

void WaitingLine::erase(PriorityClass priority, RequestId id) {
  auto& line = classes_[static_cast<size_t>(priority)];
  const auto found = std::ranges::find(line, id, &Waiting::id);
  if (found != line.end()) line.erase(found);
}

int64_t WaitingLine::size() const {
  int64_t size = 0;
  for (const auto& line : classes_) size += std::ssize(line);
  return size;
}

int64_t WaitingLine::level(int64_t priority, const Waiting& waiting, double now_s) const {
  const double steps = std::floor((now_s - waiting.since_s) / ageing_s_);
  return static_cast<int64_t>(
      std::clamp(static_cast<double>(priority) - steps, 0.0, static_cast<double>(priority)));
}

std::optional<WaitingLine::Head> WaitingLine::head(double now_s) const {
  std::optional<Head> best;
  for (int64_t c = 0; c < kPriorityClasses; c++) {
    const auto& line = classes_[static_cast<size_t>(c)];
    if (line.empty()) continue;
    const Head head{line.front().id, level(c, line.front(), now_s), line.front().since_s};
    if (!best || head.level < best->level ||
        (head.level == best->level && head.since_s < best->since_s))
      best = head;
  }
  return best;
}

double WaitingLine::next_change_s(double now_s) const {
  double next = std::numeric_limits<double>::infinity();
  for (int64_t c = 1; c < kPriorityClasses; c++) {
    const auto& line = classes_[static_cast<size_t>(c)];
    if (line.empty()) continue;
    const int64_t reached = level(c, line.front(), now_s);
    if (reached > 0)
      next =
          std::min(next, line.front().since_s + static_cast<double>(c - reached + 1) * ageing_s_);
  }
  return next;
}

}  // namespace troika
