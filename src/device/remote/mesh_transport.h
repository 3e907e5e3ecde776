// The transport of a member whose others are in other processes: a channel to each of them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "device/channel.h"
#include "device/transport.h"

namespace troika {

/// Each member sends what it shows to all others and keeps what they have sent, by parity of the
/// exchange. Members count steps alike, so that what is left of a step that was given up is known
/// for what it is. Waits for others as long as the step is not given up.
class MeshTransport final : public GroupTransport {
 public:
  /// @param peers  by member; null: this one.
  explicit MeshTransport(std::vector<std::unique_ptr<Channel>> peers);

  void begin_step() override;
  void give_up() override;
  Status status() const override;

  bool exchange(int64_t member, int64_t number, std::span<const float> mine) override;
  const float* shown(int64_t member, int64_t number) const override;

 private:
  struct Place {
    std::vector<std::byte> message;
    const float* shown = nullptr;
  };

  Status send_to_all(int64_t number, std::span<const float> mine);
  Status meet_all(int64_t number);
  Status take_from(size_t peer, int64_t number);
  void fail_step(size_t peer, const Error& error);

  std::vector<std::unique_ptr<Channel>> peers_;
  std::vector<Place> places_[2];  // by parity, by member
  std::vector<int64_t> latest_;   // by member: the last exchange of the step that has come
  std::vector<std::byte> message_;
  std::atomic<int64_t> step_{0};
  std::atomic<bool> given_up_{false};
  mutable std::mutex mutex_;  // guards the next
  std::optional<Error> error_;
};

}  // namespace troika
