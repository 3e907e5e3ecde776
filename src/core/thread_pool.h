// A fixed set of threads that work on one thing together. The caller is one of them, so a pool of
// one thread has none of its own and costs nothing. Work is split by output: who computes what
// never changes a result.
//
// Nobody waits for a thread that has nothing in hand: the others join a run if they come in time,
// and the caller could do all of it alone. On a busy machine a thread that the system has put aside
// then costs at most the item that it holds.
//
// All threads compute with the same floating-point modes: round to nearest even, subnormals kept
// (docs/same_bits.md, rule 5).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/result.h"

namespace troika {

/// How many processors this process may run on; at least 1. Cores: core/topology.h.
int available_processors();

/// Hands out the indices of [0, count) in runs. Every thread has a range of its own, which it works
/// through from the front, so that what it reads lies in a row; who has finished takes from the
/// back of another's. Runs halve what is left, so nobody ends long before the rest.
class WorkRanges {
 public:
  explicit WorkRanges(int threads) : ranges_(static_cast<size_t>(threads)) {}

  /// Where the share of `thread` begins if [0, count) is dealt out to `threads`.
  static int64_t share_begin(int64_t count, int thread, int threads) {
    return count * thread / threads;
  }

  /// Deals [0, count) out to the first `threads` of them, 0 <= count < 2^32. Not while others take.
  void deal(int64_t count, int threads);

  /// Takes the next run for `thread`: at least `run_min` >= 1 indices where a range has as many;
  /// false when none are left.
  bool take(int thread, int64_t run_min, int64_t& begin, int64_t& end);

 private:
  struct alignas(64) Range {
    std::atomic<uint64_t> bounds{0};  // begin, and end in the upper half
  };
  static uint64_t pack(uint64_t begin, uint64_t end) { return begin | end << 32; }
  std::vector<Range> ranges_;
  int dealt_ = 0;  // threads that have a range
};

/// Counts finished items, for threads to wait until all of them are. At most 2^32 - 1 items.
class Tally {
 public:
  /// Starts over. Not while others use it.
  void reset() { done_.store(0, std::memory_order_relaxed); }

  /// `items` more of `total` are finished: what this thread wrote is seen by whoever waits.
  void add(int64_t items, int64_t total);

  /// Whether `total` items are finished.
  bool done(int64_t total) const {
    return done_.load(std::memory_order_acquire) == static_cast<uint32_t>(total);
  }

  /// Returns when `total` items are finished: spins briefly, then sleeps.
  void wait(int64_t total) const;

 private:
  alignas(64) std::atomic<uint32_t> done_{0};
};

class ThreadPool {
 public:
  /// Starts `threads` - 1 threads. `pins`, one for each thread or none, are the processors that it
  /// may run on (core/topology.h); the caller keeps to those of thread 0 during run() and has its
  /// own back after. Errors: invalid_argument — not in 1 … kThreadsMax; exhausted — the system
  /// gives no more threads; unsupported — it refuses a pin.
  static Result<std::unique_ptr<ThreadPool>> create(int threads,
                                                    std::vector<std::vector<int>> pins = {});
  static constexpr int kThreadsMax = 1024;

  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  /// Calls work(0) on the caller, and work(thread) with 1 … threads() - 1 once on each other thread
  /// that comes before the caller is done. Returns when all that came have finished. `work` must
  /// not count on the others and does not throw. One caller at a time, not from inside `work`.
  template <typename Work>
  void run(Work&& work) {
    dispatch([](void* context, int thread) { (*static_cast<Work*>(context))(thread); }, &work);
  }

  /// Calls work() on the caller alone, with the floating-point modes of run().
  template <typename Work>
  void run_alone(Work&& work) {
    call_alone([](void* context, int) { (*static_cast<Work*>(context))(); }, &work);
  }

  /// Calls work(begin, end) on runs of at least `run_min` indices (fewer at the end of a thread's
  /// range) that together make [0, count).
  template <typename Work>
  void for_ranges(int64_t count, int64_t run_min, Work&& work) {
    WorkRanges ranges(threads_);
    ranges.deal(count, threads_);
    this->run([&](int thread) {
      int64_t begin = 0;
      int64_t end = 0;
      while (ranges.take(thread, run_min, begin, end)) work(begin, end);
    });
  }

 private:
  using Function = void (*)(void* context, int thread);
  explicit ThreadPool(int threads) : threads_(threads) {}
  void dispatch(Function function, void* context);
  void call_alone(Function function, void* context);
  void serve(int thread);
  bool enter();
  void leave();

  static constexpr uint32_t kClosed = uint32_t{1} << 31;

  int threads_;
  std::vector<std::vector<int>> pins_;
  Function function_ = nullptr;  // of the open run
  void* context_ = nullptr;
  uint32_t open_run_ = 0;  // the number in runs_ of the run that is open; written while none is
  std::atomic<bool> quits_{false};
  alignas(64) std::atomic<uint32_t> runs_{0};  // how many runs have been opened
  // How many threads are inside the run, and whether it is closed to others.
  alignas(64) std::atomic<uint32_t> inside_{kClosed};
  std::vector<std::thread> workers_;
};

}  // namespace troika
