// members: a group of devices beside one device that has all that they have.
#pragma once

#include "cli/bench_report.h"

namespace troika::cli {

/// The one device that has the processors and threads of all members of `options`.
DeviceOptions joined_device(const DeviceOptions& options);

/// Takes turns: reads a prompt and generates on one device and on the group; their ratios, and the
/// share of the time of generated tokens that members spend in exchanges, by layer.
/// @param group  on the devices of --device.
Status measure_members(Bench& bench, const LoadedModel& group);

}  // namespace troika::cli
