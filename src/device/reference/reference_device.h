// The specification: every op in plain float64 loops, on one thread, in the order of the graph.
// What another device computes is right when it agrees with this one.
//
// Values between ops are float64. Weights are the float32 that quant/ decodes. What lives from step
// to step is rounded as graph/state.h declares it (KV to its type, recurrent states, logs and
// hidden rows to float32), by every token alike, so that a replay rounds as the original did.
// Everything is checked, ids and pages in the inputs too: this device is where a wrong engine is
// found out.
#pragma once

#include <memory>

#include "device/device.h"
#include "device/host_memory.h"

namespace troika {

/// Makes a reference device whose buffers come from `memory`. Calls are carried out before they
/// return; run() tells its errors itself.
std::unique_ptr<Device> make_reference_device(HostAllocator memory = HostAllocator());

}  // namespace troika
