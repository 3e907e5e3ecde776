// A device that another process has: the leader's view of a follower (follower.h).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "device/channel.h"
#include "device/device.h"
#include "device/remote/weight_files.h"

namespace troika {

struct RemoteOptions {
  std::string place;  // "rank 1 on node2", for messages
  /// How long a follower may give no sign of life while it works.
  std::chrono::milliseconds silence{30'000};
  /// Of a follower on another machine: what it adds to the memory that there is; 0 where another
  /// one of that machine has told.
  std::optional<int64_t> elsewhere_bytes = {};
  std::function<void()> on_lost = {};  // called once, if the follower is lost, by who finds out
};

/// Makes the device at the other end of `channel`, where a follower must be at work. Calls that
/// return nothing are sent and not waited for; their errors come with the next wait. Weights are
/// imported by the follower from its own copy of `files`, which must be filled before that, and
/// outlive the device. The transport of exchanges is the follower's own.
///
/// Errors: device_lost — nobody answers. The same from every later call, once the follower is lost.
Result<std::unique_ptr<Device>> make_remote_device(std::unique_ptr<Channel> channel,
                                                   const remote::WeightFiles& files,
                                                   const RemoteOptions& options);

}  // namespace troika
