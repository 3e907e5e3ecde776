// The one place that knows all kinds of device.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/cpu_features.h"
#include "core/result.h"
#include "device/device.h"

namespace troika {

struct DeviceOptions {
  std::string kind = "cpu";          // one of device_kinds()
  int threads = 0;                   // 0: one for each core, or each of `processors`
  std::vector<int> processors = {};  // that threads run on; empty: all
  bool pin = true;                   // each thread to a place of its own
  Isa isa_max = Isa::avx512;         // instruction set at most, to compare the kernels of several
};

/// The names of all kinds, the usual one first.
std::span<const std::string_view> device_kinds();

/// Makes the device that `options` name.
/// Errors: those of the kind; invalid_argument — an unknown kind, threads or processors out of
/// range.
Result<std::unique_ptr<Device>> make_device(const DeviceOptions& options);

}  // namespace troika
