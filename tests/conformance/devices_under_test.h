// The checked-in list: every kind of device, and what each must support.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "device/device.h"

namespace troika::conformance {

/// A row of the list. Ops without a weight matrix or KV type must be supported by all.
struct DeviceUnderTest {
  std::string name;
  std::function<std::unique_ptr<Device>()> make;
  std::vector<DType> matrix_types;  // of matmul and embed; all others must be refused
  std::vector<DType> kv_types;
  bool eight_bits = false;   // rounds activations to 8 bits before products with block formats
  std::string same_bits_as;  // the row whose results these must equal, bit for bit, if any
  bool wraps = false;        // calls that row's device: equal to it, it need not be cut up again
  size_t cut_every = 1;      // of the cases, that are cut up: more where a step takes long to begin
};

std::vector<DeviceUnderTest> devices_under_test();

}  // namespace troika::conformance
