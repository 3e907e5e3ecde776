// The one place that knows all kinds of device.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "core/cpu_features.h"
#include "core/result.h"
#include "device/device.h"

namespace troika::cli {

struct DeviceOptions {
  std::string kind = "cpu";
  int threads = 0;                   // 0: one for each core, or each of `processors`
  std::vector<int> processors = {};  // that threads run on; empty: all
  bool pin = true;                   // each thread to a place of its own
  Isa isa_max = Isa::avx512;         // instruction set at most, to compare the kernels of several
};

/// Adds --device, --threads, --cpus, --no-pin and --isa.
void add_device_flags(CLI::App& app, DeviceOptions& options);

/// Makes the device that `options` name.
/// Errors: those of the kind; invalid_argument — threads or processors out of range.
Result<std::unique_ptr<Device>> make_device(const DeviceOptions& options);

}  // namespace troika::cli
