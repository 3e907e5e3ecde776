// A fixed set of threads that work on one thing together. The caller is one of them, so a pool of
// one thread has none of its own and costs nothing. Work is split by output: who computes what
// never changes a result.
//
// All threads, the caller included while it is inside run(), compute with the same floating-point
// modes: round to nearest even, subnormals kept (docs/same_bits.md, rule 5).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/result.h"

namespace troika {

/// How many processors this process may run on; at least 1.
int available_processors();

/// Hands out the indices of [0, count) in runs, to whichever thread asks first.
class WorkCounter {
 public:
  /// Starts over. Not while others take.
  void reset() { next_.store(0, std::memory_order_relaxed); }

  /// Takes the next run of at most `run` indices; false when none are left.
  bool take(int64_t count, int64_t run, int64_t& begin, int64_t& end) {
    begin = next_.fetch_add(run, std::memory_order_relaxed);
    if (begin >= count) return false;
    end = count - begin < run ? count : begin + run;
    return true;
  }

 private:
  alignas(64) std::atomic<int64_t> next_{0};
};

/// Where threads wait for each other: spins briefly, then sleeps.
class Barrier {
 public:
  explicit Barrier(int threads);

  /// Returns when all threads have arrived; what each wrote before is seen by all.
  void arrive_and_wait();

 private:
  int threads_;
  int spins_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<uint32_t> generation_{0};
};

class ThreadPool {
 public:
  /// Starts `threads` - 1 threads. Errors: invalid_argument — not in 1 … kThreadsMax; exhausted —
  /// the system gives no more threads.
  static Result<std::unique_ptr<ThreadPool>> create(int threads);
  static constexpr int kThreadsMax = 1024;

  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  /// Calls work(thread) once on every thread, 0 (the caller) … threads() - 1, and returns when all
  /// have finished. `work` does not throw. One caller at a time, not from inside `work`.
  template <typename Work>
  void run(Work&& work) {
    dispatch([](void* context, int thread) { (*static_cast<Work*>(context))(thread); }, &work);
  }

  /// Calls work(begin, end) on runs of at most `run` indices that together make [0, count).
  template <typename Work>
  void for_ranges(int64_t count, int64_t run, Work&& work) {
    WorkCounter counter;
    this->run([&](int) {
      int64_t begin = 0;
      int64_t end = 0;
      while (counter.take(count, run, begin, end)) work(begin, end);
    });
  }

  /// Inside run(): waits for all threads. Every thread must call it equally often.
  void barrier() { barrier_.arrive_and_wait(); }

 private:
  using Function = void (*)(void* context, int thread);
  explicit ThreadPool(int threads);
  void start(Function function, void* context);
  void dispatch(Function function, void* context);
  void serve(int thread);

  int threads_;
  Barrier barrier_;              // between threads inside a run, and at its end
  Function function_ = nullptr;  // null tells the threads to leave
  void* context_ = nullptr;
  alignas(64) std::atomic<uint32_t> runs_{0};  // how many runs have been started
  std::vector<std::thread> workers_;
};

}  // namespace troika
