// Virtual token counters: who has had least is served next. Source: arXiv 2401.00588, algorithm 2
// and its extension to weights.
//
// A tenant's counter grows by the cost of what it is given, divided by its weight. Among tenants
// that wait, the least counter goes first. A tenant that comes back after a rest is lifted to the
// least counter of those that wait: rest is no credit. Each class of priority has counters of its
// own: what a tenant is given in one is no debt in another.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "engine/tenants.h"

namespace troika {

/// Tenants are numbers 0, 1, ... in the order of add(). No clock. Cost of each call: O(log tenants)
/// at most.
class VirtualCounters {
 public:
  int32_t add(double weight);
  void set_weight(int32_t tenant, double weight);
  double weight(int32_t tenant) const { return at(tenant).weight; }

  /// Service so far divided by the weight, plus lifts.
  double counter(int32_t tenant, PriorityClass priority) const {
    return place(tenant, priority).counter;
  }

  /// Adds `cost` / weight; a negative cost gives back what was charged too early.
  void charge(int32_t tenant, PriorityClass priority, double cost);

  /// The tenant has something that could start from now on. Lifts its counter if it had nothing.
  void wait(int32_t tenant, PriorityClass priority);
  /// It has nothing that could start.
  void leave(int32_t tenant, PriorityClass priority);
  bool waits(int32_t tenant, PriorityClass priority) const { return place(tenant, priority).waits; }

  /// Whether nothing of the tenant is at work; true at first.
  void set_idle(int32_t tenant, bool idle);

  /// Of those that wait, whoever is next; of equals, who came last. @param idle_only  of those that
  /// have nothing at work.
  std::optional<int32_t> least(PriorityClass priority, bool idle_only) const;

  /// Sum of the weights of all that wait.
  double waiting_weight(PriorityClass priority) const { return of(priority).weight; }

 private:
  struct Key {
    double counter;
    int64_t arrival;  // the later goes first
    int32_t tenant;
    bool operator<(const Key& other) const {
      if (counter != other.counter) return counter < other.counter;
      return arrival > other.arrival;
    }
  };
  /// Where a tenant stands in one class.
  struct Place {
    double counter = 0;
    bool waits = false;
    int64_t arrival = 0;
  };
  struct Entry {
    double weight = 1;
    bool idle = true;
    std::array<Place, kPriorityClasses> places;
  };
  /// Those that wait in one class.
  struct Line {
    std::array<std::set<Key>, 2> keys;  // [idle]
    std::optional<int32_t> last_left;
    double weight = 0;
  };

  Entry& at(int32_t tenant) { return entries_[static_cast<size_t>(tenant)]; }
  const Entry& at(int32_t tenant) const { return entries_[static_cast<size_t>(tenant)]; }
  const Place& place(int32_t tenant, PriorityClass priority) const {
    return at(tenant).places[static_cast<size_t>(priority)];
  }
  Line& of(PriorityClass priority) { return lines_[static_cast<size_t>(priority)]; }
  const Line& of(PriorityClass priority) const { return lines_[static_cast<size_t>(priority)]; }
  double lift(PriorityClass priority) const;

  std::vector<Entry> entries_;
  std::array<Line, kPriorityClasses> lines_;
  int64_t arrivals_ = 0;
};

}  // namespace troika
