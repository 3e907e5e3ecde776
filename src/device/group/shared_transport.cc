#include "device/group/shared_transport.h"

#include <algorithm>

#include "core/wait.h"

namespace troika::group {

SharedTransport::SharedTransport(int64_t members)
    : members_(members), shown_(static_cast<size_t>(2 * members)) {}

size_t SharedTransport::place(int64_t member, int64_t number) const {
  return static_cast<size_t>(number % 2 * members_ + member);
}

void SharedTransport::begin_step() {
  arrived_.store(0, std::memory_order_relaxed);
  given_up_.store(false, std::memory_order_relaxed);
  std::ranges::fill(shown_, nullptr);
}

void SharedTransport::give_up() {
  given_up_.store(true);
  rounds_.fetch_add(1);
  rounds_.notify_all();
}

bool SharedTransport::exchange(int64_t member, int64_t number, std::span<const float> mine) {
  // In this order: who reads a round after give_up() has ended it sees that, too.
  const uint32_t round = rounds_.load();
  if (given_up_.load()) return false;
  shown_[place(member, number)] = mine.data();
  if (arrived_.fetch_add(1) + 1 == static_cast<uint32_t>(members_)) {
    arrived_.store(0);
    rounds_.fetch_add(1);
    rounds_.notify_all();
  } else {
    wait_until(rounds_, [&](uint32_t rounds) { return rounds != round; });
  }
  return !given_up_.load();
}

const float* SharedTransport::shown(int64_t member, int64_t number) const {
  return given_up_.load(std::memory_order_relaxed) ? nullptr : shown_[place(member, number)];
}

}  // namespace troika::group
