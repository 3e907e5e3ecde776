// The leader's end of a channel to one follower: calls go out, answers come back.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "device/channel.h"
#include "device/remote/messages.h"

namespace troika::remote {

/// Used by one thread at a time, as a Device is. Once the follower is lost, all calls fail alike.
class Link {
 public:
  /// @param silence  how long a follower that works may say nothing before it counts as lost.
  /// @param on_lost  called once, when it does; may be empty.
  Link(std::unique_ptr<Channel> channel, std::chrono::milliseconds silence,
       std::function<void()> on_lost)
      : channel_(std::move(channel)), silence_(silence), on_lost_(std::move(on_lost)) {}

  /// Tells the follower, if it can still hear, that this was all.
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Sends a call that is not answered. Errors: device_lost.
  Status post(const Message& message, std::span<const std::byte> body = {});

  /// Sends a call and waits for its answer; what it brings stays until the next call.
  /// Errors: the follower's own; device_lost.
  ///
  /// @param takes_long  leave the processors to those who work meanwhile.
  Result<Decoded<Answer>> ask(const Message& message, bool takes_long = false);

  /// A number for something that the follower is to keep.
  int64_t next_number() { return ++numbers_; }

 private:
  Result<Decoded<Answer>> await(bool takes_long);
  Error lose(const Error& why);

  std::unique_ptr<Channel> channel_;
  std::chrono::milliseconds silence_;
  std::function<void()> on_lost_;
  std::vector<std::byte> message_;
  std::optional<Error> lost_;
  int64_t numbers_ = 0;
};

}  // namespace troika::remote
