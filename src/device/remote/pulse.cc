#include "device/remote/pulse.h"

#include <utility>

namespace troika {

Pulse::~Pulse() {
  stop();
  // Messages that nobody takes would be in the way when MPI ends.
  std::vector<std::byte> message;
  for (const auto& peer : peers_)
    for (Result<bool> came = true; came.ok() && *came;) came = peer->poll(message);
}

void Pulse::start(std::function<bool()> look) {
  thread_ = std::thread([this, look = std::move(look)] {
    std::unique_lock lock(mutex_);
    while (!quits_ && look()) changed_.wait_for(lock, limit_ / 5, [this] { return quits_; });
  });
}

void Pulse::beat() {
  start([this] {
    const std::byte sign{1};
    // One that is gone is found by whoever asks it for something.
    for (const auto& peer : peers_) (void)peer->send({&sign, 1});
    return true;
  });
}

void Pulse::listen(std::function<void()> on_silence) {
  start([this, on_silence = std::move(on_silence), begun = false,
         quiet = std::chrono::milliseconds(0)]() mutable {
    std::vector<std::byte> message;
    bool heard = false;
    Result<bool> came = true;
    while (came.ok() && *came) {
      came = peers_.front()->poll(message);
      heard = heard || (came.ok() && *came);
    }
    begun = begun || heard;
    // Looks are counted, not time: see Silence.
    quiet = heard ? std::chrono::milliseconds(0) : quiet + limit_ / 5;
    if (!begun || (came.ok() && quiet <= limit_)) return true;
    on_silence();
    return false;
  });
}

void Pulse::stop() {
  {
    const std::lock_guard lock(mutex_);
    quits_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace troika
