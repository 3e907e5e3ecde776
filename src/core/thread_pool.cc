#include "core/thread_pool.h"

#include <fmt/ranges.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <exception>
#include <optional>

#include "core/check.h"
#include "core/wait.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace troika {
namespace {

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

cpu_set_t mask_of(const std::vector<int>& processors) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (const int processor : processors) CPU_SET(static_cast<size_t>(processor), &mask);
  return mask;
}

/// Keeps the calling thread on some processors for its lifetime. Two system calls each way of a
/// microsecond together; a thread that stays pinned would surprise its owner.
class CallerPin {
 public:
  explicit CallerPin(const std::vector<int>& processors) {
    const cpu_set_t mask = mask_of(processors);
    pinned_ = pthread_getaffinity_np(pthread_self(), sizeof saved_, &saved_) == 0 &&
              pthread_setaffinity_np(pthread_self(), sizeof mask, &mask) == 0;
  }
  ~CallerPin() {
    if (pinned_) pthread_setaffinity_np(pthread_self(), sizeof saved_, &saved_);
  }
  CallerPin(const CallerPin&) = delete;
  CallerPin& operator=(const CallerPin&) = delete;
  bool pinned() const { return pinned_; }

 private:
  cpu_set_t saved_;
  bool pinned_ = false;
};

Status pin_thread(std::thread& thread, const std::vector<int>& processors) {
  const cpu_set_t mask = mask_of(processors);
  if (pthread_setaffinity_np(thread.native_handle(), sizeof mask, &mask) == 0) return ok();
  return fail(ErrorCode::unsupported, "the system keeps no thread on processor {}",
              fmt::join(processors, ", "));
}

}  // namespace

int available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void WorkRanges::deal(int64_t count, int threads) {
  dealt_ = threads;
  for (int thread = 0; thread < threads; thread++)
    ranges_[static_cast<size_t>(thread)].bounds.store(
        pack(static_cast<uint64_t>(share_begin(count, thread, threads)),
             static_cast<uint64_t>(share_begin(count, thread + 1, threads))),
        std::memory_order_relaxed);
}

bool WorkRanges::take(int thread, int64_t run_min, int64_t& begin, int64_t& end) {
  for (int i = 0; i < dealt_; i++) {
    std::atomic<uint64_t>& bounds = ranges_[static_cast<size_t>((thread + i) % dealt_)].bounds;
    uint64_t seen = bounds.load(std::memory_order_relaxed);
    while (true) {
      const uint64_t first = seen & UINT32_MAX;
      const uint64_t last = seen >> 32;
      if (first >= last) break;
      const uint64_t run =
          std::min(last - first, std::max(static_cast<uint64_t>(run_min), (last - first) / 2));
      const bool own = i == 0;
      const uint64_t left = own ? pack(first + run, last) : pack(first, last - run);
      if (!bounds.compare_exchange_weak(seen, left, std::memory_order_relaxed)) continue;
      begin = static_cast<int64_t>(own ? first : last - run);
      end = static_cast<int64_t>(own ? first + run : last);
      return true;
    }
  }
  return false;
}

void Tally::add(int64_t items, int64_t total) {
  const auto more = static_cast<uint32_t>(items);
  if (done_.fetch_add(more, std::memory_order_acq_rel) + more == static_cast<uint32_t>(total))
    done_.notify_all();
}

void Tally::wait(int64_t total) const {
  wait_until(done_, [&](uint32_t done) { return done == static_cast<uint32_t>(total); });
}

Result<std::unique_ptr<ThreadPool>> ThreadPool::create(int threads,
                                                       std::vector<std::vector<int>> pins) {
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
  if (pins.empty()) return pool;
  TROIKA_CHECK(std::ssize(pins) == threads);
  for (size_t i = 0; i < pool->workers_.size(); i++)
    TROIKA_RETURN_IF_ERROR(pin_thread(pool->workers_[i], pins[i + 1]));
  if (!CallerPin(pins[0]).pinned())
    return fail(ErrorCode::unsupported, "the system keeps no thread on processor {}",
                fmt::join(pins[0], ", "));
  pool->pins_ = std::move(pins);
  return pool;
}

ThreadPool::~ThreadPool() {
  quits_.store(true, std::memory_order_relaxed);
  runs_.fetch_add(1, std::memory_order_release);
  runs_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::dispatch(Function function, void* context) {
  std::optional<CallerPin> pin;
  if (!pins_.empty()) pin.emplace(pins_[0]);
  if (threads_ == 1) return call_alone(function, context);
  function_ = function;
  context_ = context;
  open_run_ = runs_.load(std::memory_order_relaxed) + 1;
  inside_.store(0, std::memory_order_release);
  runs_.fetch_add(1, std::memory_order_release);
  runs_.notify_all();
  call_alone(function, context);
  inside_.fetch_or(kClosed, std::memory_order_acq_rel);
  wait_until(inside_, [](uint32_t inside) { return inside == kClosed; });
}

void ThreadPool::call_alone(Function function, void* context) {
  const FloatModes modes;
  function(context, 0);
}

void ThreadPool::serve(int thread) {
  const FloatModes modes;
  uint32_t seen = 0;
  while (true) {
    // Who comes late to one run may find the next open before it is counted: `seen` is ahead then.
    seen = wait_until(runs_, [&](uint32_t runs) { return static_cast<int32_t>(runs - seen) > 0; });
    if (!enter()) {
      if (quits_.load(std::memory_order_relaxed)) return;
      continue;
    }
    seen = open_run_;  // cannot change while we are inside
    function_(context_, thread);
    leave();
  }
}

bool ThreadPool::enter() {
  uint32_t inside = inside_.load(std::memory_order_relaxed);
  while ((inside & kClosed) == 0)
    if (inside_.compare_exchange_weak(inside, inside + 1, std::memory_order_acq_rel)) return true;
  return false;
}

void ThreadPool::leave() {
  if (inside_.fetch_sub(1, std::memory_order_acq_rel) == kClosed + 1) inside_.notify_all();
}

}  // namespace troika
