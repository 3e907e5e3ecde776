// How much of a model each of several devices should take, from what they do in a second.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/result.h"
#include "device/device.h"
#include "graph/shares.h"

namespace troika {

/// Deals the leaves of a sum (kLeavesMax of them) out to members of these speeds, so that the last
/// to finish does so as early as can be. A member may get none.
/// @param speeds  positive.
Shares split_by_speed(std::span<const double> speeds);

/// Bytes of weights a second that each of `devices` multiplies with one row. All work at the same
/// time, as in a step of a group: those that share a memory bandwidth share it here, too. Weights
/// are of one type that all kinds have, more of them than caches hold. The devices keep memory of
/// it: make new ones for what comes after. Errors: those of the devices.
Result<std::vector<double>> measure_speeds(std::span<const std::unique_ptr<Device>> devices);

}  // namespace troika
