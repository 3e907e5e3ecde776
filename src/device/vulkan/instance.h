// Which devices there are.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "device/vulkan/api.h"
#include "device/vulkan/vulkan_device.h"

namespace troika::vulkan {

/// A device of the machine, as the driver tells.
struct PhysicalDevice {
  VkPhysicalDevice handle = VK_NULL_HANDLE;
  VulkanDeviceInfo info;
  uint32_t queue_family = 0;  // of the queue that computes
};

/// The connection to the drivers; open as long as this lives.
class Instance {
 public:
  /// Errors: unsupported — no loader, or no driver.
  static Result<std::unique_ptr<Instance>> make();
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  const InstanceApi& api() const { return api_; }

  /// Devices that have what the shaders want, the fastest kind first; `number` counts in this
  /// order. Errors: unsupported — there is none; it says why.
  Result<std::vector<PhysicalDevice>> devices() const;

 private:
  explicit Instance(std::unique_ptr<Library> library) : library_(std::move(library)) {}

  std::unique_ptr<Library> library_;
  VkInstance instance_ = VK_NULL_HANDLE;
  InstanceApi api_;
};

/// The device that `which` names: empty (the first), its number, or a part of its name, in letters
/// of any case. Errors: not_found — with the names of all.
Result<PhysicalDevice> choose(const std::vector<PhysicalDevice>& devices, std::string_view which);

}  // namespace troika::vulkan
