#include "device/remote/mesh_transport.h"

#include <cstring>
#include <utility>

namespace troika {
namespace {

constexpr int64_t kGivesUp = -1;  // instead of the number of an exchange

/// In front of the floats, which begin where any vector instruction may read them.
struct alignas(64) Head {
  int64_t step = 0;
  int64_t number = 0;
  int64_t floats = 0;
};

}  // namespace

MeshTransport::MeshTransport(std::vector<std::unique_ptr<Channel>> peers)
    : peers_(std::move(peers)) {
  for (auto& places : places_) places.resize(peers_.size());
}

void MeshTransport::begin_step() {
  step_++;
  given_up_ = false;
  latest_.assign(peers_.size(), -1);
  const std::lock_guard lock(mutex_);
  error_.reset();
}

void MeshTransport::give_up() {
  if (given_up_.exchange(true)) return;
  const Head head{.step = step_, .number = kGivesUp};
  for (const auto& peer : peers_)
    if (peer != nullptr) (void)peer->send(std::as_bytes(std::span(&head, 1)));
}

Status MeshTransport::status() const {
  const std::lock_guard lock(mutex_);
  return error_ ? Status(*error_) : ok();
}

void MeshTransport::fail_step(size_t peer, const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!error_)
    error_ = fail(ErrorCode::device_lost, "exchange with member {}: {}", peer, error.message());
}

bool MeshTransport::exchange(int64_t member, int64_t number, std::span<const float> mine) {
  if (given_up_) return false;
  places_[number % 2][static_cast<size_t>(member)].shown = mine.data();
  Status status = send_to_all(number, mine);
  if (status.ok()) status = meet_all(number);
  if (!status.ok()) give_up();
  return !given_up_;
}

Status MeshTransport::send_to_all(int64_t number, std::span<const float> mine) {
  const Head head{.step = step_, .number = number, .floats = std::ssize(mine)};
  for (size_t p = 0; p < peers_.size(); p++) {
    if (peers_[p] == nullptr) continue;
    const Status sent = peers_[p]->send(std::as_bytes(std::span(&head, 1)), std::as_bytes(mine));
    if (sent.ok()) continue;
    fail_step(p, sent.error());
    return sent;
  }
  return ok();
}

/// Waits until all have shown theirs, and until what this member sent has left: nobody must wait
/// for that while it computes.
Status MeshTransport::meet_all(int64_t number) {
  for (Patience patience; !given_up_; patience.pause()) {
    bool met = true;
    for (size_t p = 0; p < peers_.size(); p++) {
      if (peers_[p] == nullptr) continue;
      Status status = take_from(p, number);
      Result<bool> sent = status.ok() ? peers_[p]->sent() : Result<bool>(status.error());
      if (!sent.ok()) {
        fail_step(p, sent.error());
        return sent.error();
      }
      met = met && *sent && latest_[p] >= number;
    }
    if (met) return ok();
  }
  return ok();
}

/// Takes the next message of one peer, if there is one. Who has shown its part may still give up,
/// or be an exchange ahead, having met those that this member waits for.
Status MeshTransport::take_from(size_t peer, int64_t number) {
  TROIKA_TRY(const bool came, peers_[peer]->poll(message_));
  if (!came) return ok();
  Head head;
  if (message_.size() < sizeof(head))
    return fail(ErrorCode::device_lost, "{} bytes came, wanted {} or more", message_.size(),
                sizeof(head));
  std::memcpy(&head, message_.data(), sizeof(head));
  if (head.step < step_) return ok();  // of one that was given up
  if (head.number == kGivesUp && head.step == step_) {
    given_up_ = true;  // who says so has told all
    return ok();
  }
  const auto floats = static_cast<int64_t>((message_.size() - sizeof(head)) / sizeof(float));
  if (head.step != step_ || head.number != latest_[peer] + 1 || head.number > number + 1 ||
      head.floats != floats)
    return fail(ErrorCode::device_lost,
                "exchange {} of step {} came with {} of {} floats, wanted exchange {} of step {}",
                head.number, head.step, floats, head.floats, latest_[peer] + 1, step_.load());
  latest_[peer] = head.number;
  Place& place = places_[head.number % 2][peer];
  std::swap(place.message, message_);
  place.shown = reinterpret_cast<const float*>(place.message.data() + sizeof(head));
  return ok();
}

const float* MeshTransport::shown(int64_t member, int64_t number) const {
  if (given_up_.load(std::memory_order_relaxed)) return nullptr;
  return places_[number % 2][static_cast<size_t>(member)].shown;
}

}  // namespace troika
