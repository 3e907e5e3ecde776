// The flags that choose and shape the device.
#pragma once

#include <CLI/CLI.hpp>

#include "runtime/devices.h"

namespace troika::cli {

/// Adds --device, --split, --mpi-timeout, --mpi-trust-network, --threads, --cpus, --no-pin and
/// --isa.
void add_device_flags(CLI::App& app, DeviceOptions& options);

}  // namespace troika::cli
