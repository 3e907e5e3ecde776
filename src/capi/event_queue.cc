#include "capi/event_queue.h"

#include <chrono>
#include <utility>

namespace troika::capi {

void EventQueue::push(OwnedEvent event) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  arrived_.notify_one();
}

const troika_event* EventQueue::pop(int32_t timeout_ms) {
  std::unique_lock lock(mutex_);
  const auto arrived = [this] { return !events_.empty(); };
  if (timeout_ms < 0)
    arrived_.wait(lock, arrived);
  else if (!arrived_.wait_for(lock, std::chrono::milliseconds(timeout_ms), arrived))
    return nullptr;
  current_ = std::move(events_.front());
  events_.pop_front();
  const bool ends = current_.event.kind == TROIKA_EVENT_END;
  (ends ? current_.event.error : current_.event.text) = current_.text.c_str();
  return &current_.event;
}

}  // namespace troika::capi
