#include "runtime/devices.h"

#include "device/cpu/cpu_device.h"
#include "device/reference/reference_device.h"

namespace troika {
namespace {

constexpr std::string_view kKinds[] = {"cpu", "reference"};

}  // namespace

std::span<const std::string_view> device_kinds() {
  return kKinds;
}

Result<std::unique_ptr<Device>> make_device(const DeviceOptions& options) {
  if (options.kind == "cpu")
    return make_cpu_device({.threads = options.threads,
                            .processors = options.processors,
                            .pin = options.pin,
                            .isa_max = options.isa_max});
  if (options.kind == "reference") return make_reference_device();
  return fail(ErrorCode::invalid_argument, "device {} is not known, wanted cpu or reference",
              options.kind);
}

}  // namespace troika
