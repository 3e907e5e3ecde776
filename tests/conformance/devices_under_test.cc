#include "conformance/devices_under_test.h"

#include "device/delayed/delayed_device.h"
#include "device/reference/reference_device.h"
#include "support/ops_matmul_cases.h"

namespace troika::conformance {
namespace {

std::unique_ptr<Device> make_delayed_reference() {
  const HostAllocator memory;
  return make_delayed_device(
      make_reference_device(memory),
      {.seed = 1, .delay_max = std::chrono::microseconds{20}, .guarded = memory});
}

}  // namespace

std::vector<DeviceUnderTest> devices_under_test() {
  const std::vector<DType> kv = {DType::f16, DType::f32};
  const std::vector<DType> all = testing::matrix_types();
  return {
      {"reference", [] { return make_reference_device(); }, all, kv},
      {"delayed reference", make_delayed_reference, all, kv, false, "reference", true},
  };
}

}  // namespace troika::conformance
