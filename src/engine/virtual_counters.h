// Virtual token counters: who has had least is served next. Source: arXiv 2401.00588, algorithm 2
// and section 4.3 (weights).
//
// A tenant's counter grows by the cost of what it is given, divided by its weight. Among tenants
// that wait, the least counter goes first. A tenant that comes back after a rest is lifted to the
// least counter of those that wait: rest is no credit. Levels of urgency are apart: a tenant waits
// at the level of its most urgent request, and is lifted when it comes to a level.
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
  double counter(int32_t tenant) const { return at(tenant).counter; }

  /// Adds `cost` / weight; a negative cost gives back what was charged too early.
  void charge(int32_t tenant, double cost);

  /// The tenant waits at `level` (0: most urgent) from now on. `idle`: nothing of it is at work.
  /// Lifts its counter if it did not wait at this level before.
  void wait(int32_t tenant, int64_t level, bool idle);

  /// It has nothing that could start.
  void leave(int32_t tenant);

  bool waits(int32_t tenant) const { return at(tenant).level >= 0; }
  int64_t level(int32_t tenant) const { return at(tenant).level; }

  /// Of those that wait at `level`, whoever is next; of equals, who came last. @param idle_only  of
  /// those that have nothing at work.
  std::optional<int32_t> least(int64_t level, bool idle_only) const;

  /// Sum of the weights of all that wait.
  double waiting_weight() const { return waiting_weight_; }

 private:
  struct Entry {
    double weight = 1;
    double counter = 0;
    int64_t level = -1;  // -1: does not wait
    bool idle = true;
    int64_t arrival = 0;
  };
  struct Key {
    double counter;
    int64_t arrival;  // the later goes first
    int32_t tenant;
    bool operator<(const Key& other) const {
      if (counter != other.counter) return counter < other.counter;
      return arrival > other.arrival;
    }
  };

  Entry& at(int32_t tenant) { return entries_[static_cast<size_t>(tenant)]; }
  const Entry& at(int32_t tenant) const { return entries_[static_cast<size_t>(tenant)]; }
  std::set<Key>& line(const Entry& entry) {
    return lines_[static_cast<size_t>(entry.level)][entry.idle ? 1 : 0];
  }
  void insert(int32_t tenant);
  void erase(int32_t tenant);
  double lift(int64_t level) const;

  std::vector<Entry> entries_;
  std::array<std::array<std::set<Key>, 2>, kPriorityClasses> lines_;  // [level][idle]
  std::optional<int32_t> last_left_;
  int64_t arrivals_ = 0;
  double waiting_weight_ = 0;
};

}  // namespace troika
