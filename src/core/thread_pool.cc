#include "core/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <exception>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace troika {
namespace {

// About 50 us of PAUSE: longer than the gap between two phases of a step, short against a step.
constexpr int kSpins = 1000;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

/// Sets the floating-point modes of this thread for its lifetime.
class FloatModes {
 public:
#if defined(__x86_64__)
  FloatModes() : saved_(_mm_getcsr()) {
    _mm_setcsr(kDefaultModes);
  }
  ~FloatModes() {
    _mm_setcsr(saved_);
  }

 private:
  static constexpr unsigned kDefaultModes = 0x1f80;  // nearest even, exceptions masked, no FTZ/DAZ
  unsigned saved_;
#else
  FloatModes() = default;
#endif
};

// Spinning while another thread of ours wants the processor only delays what is waited for.
int spins_for(int threads) {
  return threads <= available_processors() ? kSpins : 0;
}

/// Returns when `number` is no longer `old`.
void wait_for_change(const std::atomic<uint32_t>& number, uint32_t old, int spins) {
  for (int spin = 0; spin < spins; spin++) {
    if (number.load(std::memory_order_acquire) != old) return;
    relax();
  }
  while (number.load(std::memory_order_acquire) == old) number.wait(old, std::memory_order_acquire);
}

}  // namespace

int available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

Barrier::Barrier(int threads) : threads_(threads), spins_(spins_for(threads)) {}

void Barrier::arrive_and_wait() {
  const uint32_t generation = generation_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 < threads_)
    return wait_for_change(generation_, generation, spins_);
  arrived_.store(0, std::memory_order_relaxed);
  generation_.store(generation + 1, std::memory_order_release);
  if (threads_ > 1) generation_.notify_all();
}

ThreadPool::ThreadPool(int threads) : threads_(threads), barrier_(threads) {}

Result<std::unique_ptr<ThreadPool>> ThreadPool::create(int threads) {
  if (threads < 1 || threads > kThreadsMax)
    return fail(ErrorCode::invalid_argument, "{} threads, wanted 1 to {}", threads, kThreadsMax);
  std::unique_ptr<ThreadPool> pool(new ThreadPool(threads));
  try {
    for (int thread = 1; thread < threads; thread++)
      pool->workers_.emplace_back([raw = pool.get(), thread] { raw->serve(thread); });
  } catch (const std::exception& e) {
    return fail(ErrorCode::exhausted, "thread {} of {} could not be started: {}",
                pool->workers_.size() + 2, threads, e.what());
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  start(nullptr, nullptr);
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::start(Function function, void* context) {
  function_ = function;
  context_ = context;
  runs_.fetch_add(1, std::memory_order_release);
  runs_.notify_all();
}

void ThreadPool::dispatch(Function function, void* context) {
  const FloatModes modes;
  if (threads_ > 1) start(function, context);
  function(context, 0);
  barrier_.arrive_and_wait();
}

void ThreadPool::serve(int thread) {
  const FloatModes modes;
  const int spins = spins_for(threads_);
  for (uint32_t run = 0;; run++) {
    wait_for_change(runs_, run, spins);
    if (function_ == nullptr) return;
    function_(context_, thread);
    barrier_.arrive_and_wait();
  }
}

}  // namespace troika
