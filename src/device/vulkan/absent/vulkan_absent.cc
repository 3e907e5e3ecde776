// In place of the device where the build found no Vulkan headers or no compiler of shaders.
#include "device/vulkan/vulkan_device.h"

namespace troika {
namespace {

Error absent() {
  return fail(ErrorCode::unsupported,
              "this build has no vulkan: it was made without Vulkan headers or glslangValidator");
}

}  // namespace

Result<std::vector<VulkanDeviceInfo>> list_vulkan_devices() {
  return absent();
}

Result<std::unique_ptr<Device>> make_vulkan_device(std::string_view) {
  return absent();
}

}  // namespace troika
