#include "device/group/timed_transport.h"

#include <algorithm>
#include <chrono>

namespace troika::group {

bool TimedTransport::exchange(int64_t member, int64_t number, std::span<const float> mine) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const bool met = inner_.exchange(member, number, mine);
  std::vector<int64_t>& spent = spent_[static_cast<size_t>(member)].nanoseconds;
  if (number >= std::ssize(spent)) spent.resize(static_cast<size_t>(number + 1));
  spent[static_cast<size_t>(number)] += std::chrono::nanoseconds(Clock::now() - start).count();
  return met;
}

std::vector<double> TimedTransport::exchange_seconds() const {
  std::vector<double> seconds;
  const auto members = static_cast<double>(spent_.size());
  for (const Spent& member : spent_) {
    seconds.resize(std::max(seconds.size(), member.nanoseconds.size()));
    for (size_t i = 0; i < member.nanoseconds.size(); i++)
      seconds[i] += static_cast<double>(member.nanoseconds[i]) * 1e-9 / members;
  }
  return seconds;
}

}  // namespace troika::group
