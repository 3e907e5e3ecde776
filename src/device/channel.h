// A way to one peer that may be in another process or on another host. What goes through it is for
// others to say (device/remote); how, for those who implement it (device/mpi).
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/result.h"

namespace troika {

/// Messages arrive whole, once, and in order. Thread-safe.
class Channel {
 public:
  virtual ~Channel() = default;

  /// Sends `head` and `body` as one message and does not wait for it to arrive: both are copied.
  /// Errors: device_lost — the peer is known to be gone.
  virtual Status send(std::span<const std::byte> head, std::span<const std::byte> body = {}) = 0;

  /// Takes the next message, if one is there. Errors: device_lost — there will be none.
  virtual Result<bool> poll(std::vector<std::byte>& message) = 0;

  /// Whether all that was sent has left this process, so that nobody waits for us to go on sending.
  /// Errors: device_lost.
  virtual Result<bool> sent() = 0;
};

/// Two ends in one process, for tests. Whoever destroys one closes the other.
std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>> make_channel_pair();

/// How a thread that polls passes the time: at first it stays awake, for peers in step meet within
/// microseconds, then it sleeps longer and longer, so that a rank without work takes no processor.
class Patience {
 public:
  void pause();

  /// Sleeps from the beginning: for work that others need the processors for.
  void sleep_at_once() { pauses_ = kAwake; }

 private:
  static constexpr int kAwake = 500;  // pauses; some 100 us where nobody else wants the processor
  int pauses_ = 0;
};

/// How long nothing was heard while this thread could have heard it: a process that is stopped for
/// minutes has missed nothing, for then its peers have perhaps been, too.
class Silence {
 public:
  explicit Silence(std::chrono::milliseconds limit) : limit_(limit), last_(Clock::now()) {}

  /// Something was heard.
  void end() { quiet_ = {}; }

  /// Called again and again: whether it has been longer than the limit.
  bool is_over();

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::milliseconds limit_;
  Clock::time_point last_;
  Clock::duration quiet_{};
};

}  // namespace troika
