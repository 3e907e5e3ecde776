#include "device/channel.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <thread>

namespace troika {
namespace {

struct Queue {
  std::mutex mutex;
  std::deque<std::vector<std::byte>> messages;
  bool closed = false;
};

class QueueChannel final : public Channel {
 public:
  QueueChannel(std::shared_ptr<Queue> to, std::shared_ptr<Queue> from)
      : to_(std::move(to)), from_(std::move(from)) {}
  ~QueueChannel() override {
    for (Queue* queue : {to_.get(), from_.get()}) {
      const std::lock_guard lock(queue->mutex);
      queue->closed = true;
    }
  }

  Status send(std::span<const std::byte> head, std::span<const std::byte> body) override {
    std::vector<std::byte> message(head.begin(), head.end());
    message.insert(message.end(), body.begin(), body.end());
    const std::lock_guard lock(to_->mutex);
    if (to_->closed) return gone();
    to_->messages.push_back(std::move(message));
    return ok();
  }

  Result<bool> poll(std::vector<std::byte>& message) override {
    const std::lock_guard lock(from_->mutex);
    if (from_->messages.empty()) {
      if (from_->closed) return gone();
      return false;
    }
    message = std::move(from_->messages.front());
    from_->messages.pop_front();
    return true;
  }

  Result<bool> sent() override { return true; }

 private:
  static Error gone() { return fail(ErrorCode::device_lost, "the other end is closed"); }

  std::shared_ptr<Queue> to_, from_;
};

}  // namespace

std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>> make_channel_pair() {
  const auto there = std::make_shared<Queue>();
  const auto back = std::make_shared<Queue>();
  return {std::make_unique<QueueChannel>(there, back), std::make_unique<QueueChannel>(back, there)};
}

bool Silence::is_over() {
  // Between two calls pass milliseconds; more means that this thread did not run.
  constexpr Clock::duration kAwakeMax = std::chrono::seconds(1);
  const Clock::time_point now = Clock::now();
  quiet_ += std::min(now - last_, kAwakeMax);
  last_ = now;
  return quiet_ > limit_;
}

void Patience::pause() {
  if (pauses_ < kAwake) {
    pauses_++;
    std::this_thread::yield();
    return;
  }
  // 20 us, doubled every 50 pauses, up to a millisecond.
  const int doublings = std::min((pauses_ - kAwake) / 50, 6);
  if (doublings < 6) pauses_++;
  std::this_thread::sleep_for(std::chrono::microseconds(std::min(20 << doublings, 1000)));
}

}  // namespace troika
