// The other side of a RemoteDevice: carries out, on a device of its own, what the leader asks.
#pragma once

#include <chrono>
#include <memory>

#include "device/channel.h"
#include "device/device.h"
#include "device/remote/weight_files.h"

namespace troika {

struct FollowerOptions {
  std::unique_ptr<Channel> leader;
  std::unique_ptr<GroupTransport> transport;  // of this member's exchanges
  /// How often the leader hears of a call that takes long.
  std::chrono::milliseconds sign_of_life{5'000};
};

/// Works until the leader ends it, on this thread. Weights are imported from `files`, which are
/// those of the leader. No message can crash it: what makes no sense is answered with an error.
/// Errors: device_lost — the leader is gone.
Status follow(Device& device, const remote::WeightFiles& files, FollowerOptions options);

}  // namespace troika
