// A thread for each member of a group, so that members run side by side and may wait for each
// other. (A ThreadPool's threads may not: there, who comes late is not waited for.)
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "core/result.h"

namespace troika::group {

class Crew {
 public:
  /// The caller is the first of `members`. Errors: exhausted — the system gives no more threads.
  static Result<std::unique_ptr<Crew>> create(int64_t members);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Calls work(member) for all members at the same time and returns when all are done.
  void run(const std::function<void(int64_t member)>& work);

 private:
  Crew() = default;
  void serve(int64_t member);

  const std::function<void(int64_t)>* work_ = nullptr;
  bool quits_ = false;  // read after a new run
  alignas(64) std::atomic<uint32_t> runs_{0};
  alignas(64) std::atomic<uint32_t> working_{0};  // members beside the caller
  std::vector<std::thread> threads_;
};

}  // namespace troika::group
