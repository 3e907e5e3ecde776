// The requests of one tenant that wait: a queue for each class of priority.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "core/ids.h"
#include "engine/tenants.h"

namespace troika {

class WaitingLine {
 public:
  /// A request goes to the end of its class; a preempted one to the front.
  void push_back(PriorityClass priority, RequestId id) { of(priority).push_back(id); }
  void push_front(PriorityClass priority, RequestId id) { of(priority).push_front(id); }

  /// Takes a request out, wherever it stands. Cost: O(requests before it).
  void erase(PriorityClass priority, RequestId id);

  /// Who is next in a class.
  std::optional<RequestId> front(PriorityClass priority) const;

  /// Requests in all classes.
  int64_t size() const;

 private:
  std::deque<RequestId>& of(PriorityClass priority) {
    return classes_[static_cast<size_t>(priority)];
  }

  std::array<std::deque<RequestId>, kPriorityClasses> classes_;
};

}  // namespace troika
