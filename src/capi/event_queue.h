// Events of requests that nobody gets a callback for, until troika_poll() takes them.
#pragma once

#include <troika.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

namespace troika::capi {

/// An event with the text that it points to.
struct OwnedEvent {
  troika_event event{};
  std::string text;  // event.text or event.error
};

/// Thread: any number of writers, one reader.
class EventQueue {
 public:
  void push(OwnedEvent event);

  /// The oldest event, valid until the next call; null: none came within `timeout_ms` (negative:
  /// waits for one).
  const troika_event* pop(int32_t timeout_ms);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<OwnedEvent> events_;
  OwnedEvent current_;  // of the reader
};

}  // namespace troika::capi
