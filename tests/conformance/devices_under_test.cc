#include "conformance/devices_under_test.h"

#include <cstdio>

#include "core/check.h"
#include "device/cpu/cpu_device.h"
#include "device/delayed/delayed_device.h"
#include "device/reference/reference_device.h"
#include "device/vulkan/vulkan_device.h"
#include "support/ops_matmul_cases.h"
#include "support/sanitized.h"

namespace troika::conformance {
namespace {

std::unique_ptr<Device> make_cpu(int threads, Isa isa_max, const HostAllocator& memory) {
  // Even the smallest step is shared, or the threads would have nothing to do in cases this small.
  auto device = make_cpu_device(
      {.threads = threads, .isa_max = isa_max, .shared_work_min = 0, .memory = memory});
  TROIKA_CHECK(device.ok());
  return std::move(device).value();
}

std::unique_ptr<Device> delay(std::unique_ptr<Device> inner, const HostAllocator& memory) {
  return make_delayed_device(
      std::move(inner), {.seed = 1, .delay_max = std::chrono::microseconds{20}, .guarded = memory});
}

std::unique_ptr<Device> make_delayed_reference() {
  const HostAllocator memory;
  return delay(make_reference_device(memory), memory);
}

std::unique_ptr<Device> make_delayed_cpu() {
  const HostAllocator memory;
  return delay(make_cpu(2, Isa::portable, memory), memory);
}

/// The first Vulkan device of this machine, if it has one: Mesa's software driver counts. Drivers
/// keep memory until the end, which sanitizers take for lost.
void add_vulkan(std::vector<DeviceUnderTest>& rows) {
  if (testing::kSanitized) {
    std::printf("passed over: vulkan, under sanitizers\n");
    return;
  }
  if (const auto devices = list_vulkan_devices(); !devices.ok()) {
    std::printf("passed over: %s\n", devices.error().message().c_str());
    return;
  }
  const auto make = [] {
    auto device = make_vulkan_device();
    TROIKA_CHECK(device.ok());
    return std::move(device).value();
  };
  rows.push_back(
      {.name = "vulkan",
       .make = make,
       .matrix_types = {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q4_k, DType::q6_k},
       .kv_types = {DType::f16, DType::bf16, DType::f32},
       .cut_every = 3});
}

}  // namespace

std::vector<DeviceUnderTest> devices_under_test() {
  const std::vector<DType> kv = {DType::f16, DType::bf16, DType::q8_0, DType::f32};
  const std::vector<DType> all = testing::matrix_types();
  const std::vector<DType> packed = {DType::f32,  DType::f16,   DType::bf16, DType::q4_0,
                                     DType::q8_0, DType::q3_k,  DType::q4_k, DType::q5_k,
                                     DType::q6_k, DType::iq4_xs};
  const auto cpu = [](int threads, Isa isa_max) {
    return [=] { return make_cpu(threads, isa_max, HostAllocator()); };
  };
  std::vector<DeviceUnderTest> rows = {
      {"reference", [] { return make_reference_device(); }, all, kv},
      {"delayed reference", make_delayed_reference, all, kv, false, "reference", true},
      {"cpu portable", cpu(1, Isa::portable), packed, kv, true},
      {"cpu portable, 2 threads", cpu(2, Isa::portable), packed, kv, true, "cpu portable"},
      {"delayed cpu", make_delayed_cpu, packed, kv, true, "cpu portable", true},
  };
  for (Isa isa : {Isa::avx2, Isa::avx512}) {
    const std::string name = "cpu " + std::string(isa_name(isa));
    if (!detect_cpu_features().has(isa)) {
      std::printf("passed over: %s, which this machine does not have\n", name.c_str());
      continue;
    }
    rows.push_back({name, cpu(1, isa), packed, kv, true});
    rows.push_back({name + ", 3 threads", cpu(3, isa), packed, kv, true, name});
  }
  add_vulkan(rows);
  return rows;
}

}  // namespace troika::conformance
