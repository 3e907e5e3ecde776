#include "engine/virtual_counters.h"

#include <algorithm>
#include <limits>

namespace troika {

int32_t VirtualCounters::add(double weight) {
  entries_.push_back({.weight = weight});
  return static_cast<int32_t>(entries_.size()) - 1;
}

void VirtualCounters::insert(int32_t tenant) {
  const Entry& entry = at(tenant);
  line(entry).insert({entry.counter, entry.arrival, tenant});
  waiting_weight_ += entry.weight;
}

void VirtualCounters::erase(int32_t tenant) {
  const Entry& entry = at(tenant);
  line(entry).erase({entry.counter, entry.arrival, tenant});
  waiting_weight_ -= entry.weight;
}

void VirtualCounters::set_weight(int32_t tenant, double weight) {
  const bool waiting = waits(tenant);
  if (waiting) erase(tenant);
  at(tenant).weight = weight;
  if (waiting) insert(tenant);
}

void VirtualCounters::charge(int32_t tenant, double cost) {
  if (cost == 0) return;
  Entry& entry = at(tenant);
  const double before = entry.counter;
  entry.counter += cost / entry.weight;
  if (!waits(tenant)) return;
  auto node = line(entry).extract({before, entry.arrival, tenant});  // allocates nothing
  node.value().counter = entry.counter;
  line(entry).insert(std::move(node));
}

/// The least counter of those that wait at the level; where nobody does, of those who wait at all,
/// and then that of whoever left last.
double VirtualCounters::lift(int64_t level) const {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  const auto least_of = [](const auto& line) {
    double least = kNone;
    for (const auto& part : line)
      if (!part.empty()) least = std::min(least, part.begin()->counter);
    return least;
  };
  double least = least_of(lines_[static_cast<size_t>(level)]);
  if (least == kNone)
    for (const auto& line : lines_) least = std::min(least, least_of(line));
  if (least == kNone) return last_left_ ? counter(*last_left_) : 0;
  return least;
}

void VirtualCounters::wait(int32_t tenant, int64_t level, bool idle) {
  Entry& entry = at(tenant);
  if (entry.level == level && entry.idle == idle) return;
  const bool comes = entry.level != level;
  if (waits(tenant)) erase(tenant);
  if (comes) {
    entry.counter = std::max(entry.counter, lift(level));
    entry.arrival = ++arrivals_;
  }
  entry.level = level;
  entry.idle = idle;
  insert(tenant);
}

void VirtualCounters::leave(int32_t tenant) {
  if (!waits(tenant)) return;
  erase(tenant);
  at(tenant).level = -1;
  last_left_ = tenant;
}

std::optional<int32_t> VirtualCounters::least(int64_t level, bool idle_only) const {
  const auto& [busy, idle] = lines_[static_cast<size_t>(level)];
  if (idle_only || busy.empty()) {
    if (idle.empty()) return std::nullopt;
    return idle.begin()->tenant;
  }
  if (idle.empty() || *busy.begin() < *idle.begin()) return busy.begin()->tenant;
  return idle.begin()->tenant;
}

}  // namespace troika
