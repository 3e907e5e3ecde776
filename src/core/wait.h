// Waiting for another thread's number: awake for a while, then asleep.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace troika {

/// Returns the first value of `number` that is_wanted(value), with what was written before it was.
/// Spins for some 50 us: longer than the gap between two phases of a step, short against a step.
/// Then sleeps until it is told of changes (std::atomic::notify_all).
template <typename Wanted>
uint32_t wait_until(const std::atomic<uint32_t>& number, Wanted is_wanted) {
  constexpr int kSpins = 1000;
  for (int spin = 0; spin < kSpins; spin++) {
    const uint32_t value = number.load(std::memory_order_acquire);
    if (is_wanted(value)) return value;
#if defined(__x86_64__)
    _mm_pause();
#endif
  }
  while (true) {
    const uint32_t value = number.load(std::memory_order_acquire);
    if (is_wanted(value)) return value;
    number.wait(value, std::memory_order_acquire);
  }
}

}  // namespace troika
