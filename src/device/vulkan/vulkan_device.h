// The device for GPUs of all makers: compute shaders over the Vulkan of the machine's driver,
// Mesa's software driver included. docs/vulkan.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "device/device.h"

namespace troika {

/// A Vulkan device of this machine that can be used.
struct VulkanDeviceInfo {
  int number = 0;      // as in "vulkan:0"
  std::string name;    // the driver's: "llvmpipe (LLVM 15.0.6, 256 bits)"
  std::string driver;  // its name and version
  int64_t memory_bytes = 0;
  bool own_memory = false;  // it is the GPU's, not a part of the machine's main memory
  bool software = false;    // the processor computes
};

/// All of them, GPUs with memory of their own first, software last.
/// Errors: unsupported — this build has no Vulkan, the machine has no loader, or no device that can
/// do what is wanted; the message says which.
Result<std::vector<VulkanDeviceInfo>> list_vulkan_devices();

/// Makes a device.
///
/// @param which  the number of one of list_vulkan_devices(), or a part of its name in letters of
/// any case; empty: the first.
/// Errors: as list_vulkan_devices(); not_found — no such device, with the names of all.
Result<std::unique_ptr<Device>> make_vulkan_device(std::string_view which = {});

}  // namespace troika
