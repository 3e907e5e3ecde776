// The leader's signs of life: followers that wait for it, in an exchange or for the next call, know
// by them that it is still there.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "device/channel.h"

namespace troika {

class Pulse {
 public:
  /// @param peers  whom to tell, or the one to listen to.
  /// @param limit  how long a leader may be silent; it says something five times in that.
  Pulse(std::vector<std::unique_ptr<Channel>> peers, std::chrono::milliseconds limit)
      : peers_(std::move(peers)), limit_(limit) {}
  ~Pulse();
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

  /// Starts a thread that tells all peers. Once, or not at all.
  void beat();

  /// Starts a thread that listens to the first peer and calls `on_silence` where that has begun to
  /// beat and then is silent for too long. Once, or not at all.
  void listen(std::function<void()> on_silence);

  /// Ends the thread.
  void stop();

 private:
  void start(std::function<bool()> look);

  std::vector<std::unique_ptr<Channel>> peers_;
  std::chrono::milliseconds limit_;
  std::mutex mutex_;  // guards the next
  bool quits_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace troika
