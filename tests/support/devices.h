// The devices that whole models are tested on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device/delayed/delayed_device.h"
#include "device/reference/reference_device.h"

namespace troika::testing {

struct NamedDevice {
  std::string name;
  std::unique_ptr<Device> (*make)(int threads);
  bool float64;  // no activation is rounded to 8 bits
  bool fast;     // quick enough for every combination of a matrix
};

inline std::vector<NamedDevice> model_devices() {
  return {
      {"reference", [](int) { return make_reference_device(); }, true, false},
  };
}

/// Those of the same-bits matrix: a device that is late with everything, too.
inline std::vector<NamedDevice> same_bits_devices() {
  std::vector<NamedDevice> devices = model_devices();
  devices.push_back({"delayed",
                     [](int threads) {
                       return make_delayed_device(make_reference_device(),
                                                  {.seed = static_cast<uint64_t>(threads),
                                                   .delay_max = std::chrono::microseconds(20)});
                     },
                     true, false});
  return devices;
}

}  // namespace troika::testing
