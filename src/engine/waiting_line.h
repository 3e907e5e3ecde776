// The requests of one tenant that wait: a queue for each class of priority, and how urgent the
// first of each has become by waiting. No clock: every call is told the time.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "core/ids.h"
#include "engine/tenants.h"

namespace troika {

/// A request that waits.
struct Waiting {
  RequestId id{};
  double since_s = 0;  // now - since_s: how long it has waited, in all its waits together
};

class WaitingLine {
 public:
  /// @param ageing_s  seconds of waiting after which a request is one level more urgent.
  explicit WaitingLine(double ageing_s) : ageing_s_(ageing_s) {}

  /// A request goes to the end of its class; a preempted one to the front.
  void push_back(PriorityClass priority, const Waiting& waiting);
  void push_front(PriorityClass priority, const Waiting& waiting);

  /// Takes a request out, wherever it stands. Cost: O(requests of the class).
  void erase(PriorityClass priority, RequestId id);

  int64_t size() const;
  bool empty() const { return size() == 0; }

  /// What is next: of the first of each class the most urgent, of equals who waited longest.
  struct Head {
    RequestId id{};
    int64_t level = 0;  // 0: most urgent; its class less one for each ageing_s waited
    double since_s = 0;
  };
  std::optional<Head> head(double now_s) const;

  /// When the level of head() will next change by waiting alone; infinity if it will not.
  double next_change_s(double now_s) const;

 private:
  int64_t level(int64_t priority, const Waiting& waiting, double now_s) const;

  double ageing_s_;
  std::array<std::deque<Waiting>, kPriorityClasses> classes_;
};

}  // namespace troika
