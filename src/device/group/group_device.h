// Several devices as one: a model's weights, keys and values, and recurrent states are divided
// among them (graph/sharding.h), and they compute each step together. docs/tensor_parallelism.md.
#pragma once

#include <memory>
#include <vector>

#include "device/device.h"
#include "graph/shares.h"

namespace troika {

/// The most members of a group.
inline constexpr int64_t kMembersMax = 64;

/// Makes one device of `members`, which share a model in proportion to `shares`. Weights must have
/// their WeightInfo::sharing (make_model() sees to it). Steps are done before run() returns;
/// members work side by side, each on a thread of its own. States get their memory when the first
/// graph that uses them is compiled, for only that says how they are divided.
///
/// A step in which a member fails ends for all of them, with that member's error. Unless that was
/// about what the step was given, states are then unknown: all later steps fail (device_lost) until
/// the group is made anew.
///
/// Errors: invalid_argument — no members or more than kMembersMax, or shares that do not fit;
/// unsupported — a member that cannot be one; exhausted — no threads.
/// @param transport  of the members' exchanges; null: they are all in this process.
Result<std::unique_ptr<Device>> make_group_device(
    std::vector<std::unique_ptr<Device>> members, Shares shares,
    std::unique_ptr<GroupTransport> transport = nullptr);

}  // namespace troika
