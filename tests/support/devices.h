// The devices that whole models are tested on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device/reference/reference_device.h"

namespace troika::testing {

struct NamedDevice {
  std::string name;
  std::unique_ptr<Device> (*make)(int threads);
  bool float64;  // no activation is rounded to 8 bits
};

inline std::vector<NamedDevice> model_devices() {
  return {
      {"reference", [](int) { return make_reference_device(); }, true},
  };
}

}  // namespace troika::testing
