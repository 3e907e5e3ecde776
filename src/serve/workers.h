// Threads for what takes a while and must not hold up sockets or the engine: reading requests,
// tokens of long prompts, templates, grammars.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace troika::serve {

class Workers {
 public:
  /// @param waiting_max  tasks that may wait for a thread.
  Workers(int threads, int64_t waiting_max);
  /// Drops what waits, and joins.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Runs `task` on one of the threads, in turn. False: too many wait already. Thread: any.
  bool post(std::function<void()> task);

 private:
  void run();

  const int64_t waiting_max_;
  std::mutex mutex_;  // guards the next two
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};

}  // namespace troika::serve
