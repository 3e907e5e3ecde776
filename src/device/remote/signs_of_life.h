// Tells the leader, while this rank works on a call, that it does: from a thread that does nothing
// else, so that a long call and a dead rank look different.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "device/channel.h"

namespace troika::remote {

class SignsOfLife {
 public:
  SignsOfLife(Channel& leader, std::chrono::milliseconds every);
  ~SignsOfLife();
  SignsOfLife(const SignsOfLife&) = delete;
  SignsOfLife& operator=(const SignsOfLife&) = delete;

  void begin_work();
  void end_work();

 private:
  void run();

  Channel& leader_;
  std::chrono::milliseconds every_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  bool working_ = false;
  bool quits_ = false;
  std::thread thread_;
};

}  // namespace troika::remote
