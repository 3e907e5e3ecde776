// The devices that whole models are tested on.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "device/cpu/cpu_device.h"
#include "device/delayed/delayed_device.h"
#include "device/reference/reference_device.h"

namespace troika::testing {

struct NamedDevice {
  std::string name;
  std::unique_ptr<Device> (*make)(int threads);
  bool float64;  // no activation is rounded to 8 bits
  bool fast;     // quick enough for every combination of a matrix
};

template <Isa isa>
std::unique_ptr<Device> make_cpu(int threads) {
  // Even the smallest step is shared, or threads would have nothing to do in models this small.
  Result<std::unique_ptr<Device>> device =
      make_cpu_device({.threads = threads, .isa_max = isa, .shared_work_min = 0});
  if (!device.ok()) throw std::runtime_error(device.error().message());
  return std::move(*device);
}

inline std::vector<NamedDevice> model_devices() {
  const Isa best = detect_cpu_features().best();
  std::vector<NamedDevice> devices = {
      {"reference", [](int) { return make_reference_device(); }, true, false},
      {"portable", make_cpu<Isa::portable>, false, best == Isa::portable},
  };
  if (best >= Isa::avx2) devices.push_back({"avx2", make_cpu<Isa::avx2>, false, best == Isa::avx2});
  if (best >= Isa::avx512) devices.push_back({"avx512", make_cpu<Isa::avx512>, false, true});
  return devices;
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
