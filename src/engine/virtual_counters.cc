#include "engine/virtual_counters.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace troika {

int32_t VirtualCounters::add(double weight) {
  entries_.push_back({.weight = weight});
  return static_cast<int32_t>(entries_.size()) - 1;
}

void VirtualCounters::set_weight(int32_t tenant, double weight) {
  Entry& entry = at(tenant);
  for (size_t c = 0; c < kPriorityClasses; c++)
    if (entry.places[c].waits) lines_[c].weight += weight - entry.weight;
  entry.weight = weight;
}

void VirtualCounters::charge(int32_t tenant, PriorityClass priority, double cost) {
  if (cost == 0) return;
  Entry& entry = at(tenant);
  Place& place = entry.places[static_cast<size_t>(priority)];
  const Key before{place.counter, place.arrival, tenant};
  place.counter += cost / entry.weight;
  if (!place.waits) return;
  std::set<Key>& keys = of(priority).keys[entry.idle ? 1 : 0];
  auto node = keys.extract(before);  // allocates nothing
  node.value().counter = place.counter;
  keys.insert(std::move(node));
}

/// The least counter of those that wait; where nobody does, that of whoever left last.
double VirtualCounters::lift(PriorityClass priority) const {
  const Line& line = of(priority);
  double least = std::numeric_limits<double>::infinity();
  for (const auto& keys : line.keys)
    if (!keys.empty()) least = std::min(least, keys.begin()->counter);
  if (std::isfinite(least)) return least;
  return line.last_left ? counter(*line.last_left, priority) : 0;
}

void VirtualCounters::wait(int32_t tenant, PriorityClass priority) {
  Entry& entry = at(tenant);
  Place& place = entry.places[static_cast<size_t>(priority)];
  if (place.waits) return;
  place.counter = std::max(place.counter, lift(priority));
  place.arrival = ++arrivals_;
  place.waits = true;
  of(priority).keys[entry.idle ? 1 : 0].insert({place.counter, place.arrival, tenant});
  of(priority).weight += entry.weight;
}

void VirtualCounters::leave(int32_t tenant, PriorityClass priority) {
  Entry& entry = at(tenant);
  Place& place = entry.places[static_cast<size_t>(priority)];
  if (!place.waits) return;
  place.waits = false;
  Line& line = of(priority);
  line.keys[entry.idle ? 1 : 0].erase({place.counter, place.arrival, tenant});
  line.weight -= entry.weight;
  line.last_left = tenant;
}

void VirtualCounters::set_idle(int32_t tenant, bool idle) {
  Entry& entry = at(tenant);
  if (entry.idle == idle) return;
  entry.idle = idle;
  for (size_t c = 0; c < kPriorityClasses; c++) {
    const Place& place = entry.places[c];
    if (!place.waits) continue;
    auto& keys = lines_[c].keys;
    keys[idle ? 1 : 0].insert(keys[idle ? 0 : 1].extract({place.counter, place.arrival, tenant}));
  }
}

std::optional<int32_t> VirtualCounters::least(PriorityClass priority, bool idle_only) const {
  const auto& [busy, idle] = of(priority).keys;
  if (idle_only || busy.empty()) {
    if (idle.empty()) return std::nullopt;
    return idle.begin()->tenant;
  }
  if (idle.empty() || *busy.begin() < *idle.begin()) return busy.begin()->tenant;
  return idle.begin()->tenant;
}

}  // namespace troika
