// The functions of Vulkan, looked up when they are wanted: the program starts on machines that have
// no Vulkan at all, and says so only when somebody asks for such a device.
#pragma once

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan_core.h>

#include <memory>
#include <string_view>

#include "core/result.h"

namespace troika::vulkan {

#define TROIKA_VULKAN_INSTANCE_FUNCTIONS(X)   \
  X(vkDestroyInstance)                        \
  X(vkEnumeratePhysicalDevices)               \
  X(vkGetPhysicalDeviceProperties2)           \
  X(vkGetPhysicalDeviceFeatures2)             \
  X(vkGetPhysicalDeviceMemoryProperties)      \
  X(vkGetPhysicalDeviceQueueFamilyProperties) \
  X(vkCreateDevice)                           \
  X(vkGetDeviceProcAddr)

#define TROIKA_VULKAN_DEVICE_FUNCTIONS(X) \
  X(vkDestroyDevice)                      \
  X(vkGetDeviceQueue)                     \
  X(vkDeviceWaitIdle)                     \
  X(vkAllocateMemory)                     \
  X(vkFreeMemory)                         \
  X(vkMapMemory)                          \
  X(vkCreateBuffer)                       \
  X(vkDestroyBuffer)                      \
  X(vkBindBufferMemory)                   \
  X(vkGetBufferMemoryRequirements)        \
  X(vkGetBufferDeviceAddress)             \
  X(vkCreateShaderModule)                 \
  X(vkDestroyShaderModule)                \
  X(vkCreatePipelineLayout)               \
  X(vkDestroyPipelineLayout)              \
  X(vkCreateComputePipelines)             \
  X(vkDestroyPipeline)                    \
  X(vkCreateCommandPool)                  \
  X(vkDestroyCommandPool)                 \
  X(vkAllocateCommandBuffers)             \
  X(vkBeginCommandBuffer)                 \
  X(vkEndCommandBuffer)                   \
  X(vkCmdBindPipeline)                    \
  X(vkCmdPushConstants)                   \
  X(vkCmdDispatch)                        \
  X(vkCmdPipelineBarrier)                 \
  X(vkCmdCopyBuffer)                      \
  X(vkCmdFillBuffer)                      \
  X(vkCreateSemaphore)                    \
  X(vkDestroySemaphore)                   \
  X(vkWaitSemaphores)                     \
  X(vkQueueSubmit)

#define TROIKA_VULKAN_MEMBER(name) PFN_##name name = nullptr;
struct InstanceApi {
  TROIKA_VULKAN_INSTANCE_FUNCTIONS(TROIKA_VULKAN_MEMBER)
};
struct DeviceApi {
  TROIKA_VULKAN_DEVICE_FUNCTIONS(TROIKA_VULKAN_MEMBER)
};
#undef TROIKA_VULKAN_MEMBER

/// The loader's library, open as long as this lives.
class Library {
 public:
  /// Errors: unsupported — the machine has no Vulkan loader.
  static Result<std::unique_ptr<Library>> open();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  PFN_vkGetInstanceProcAddr get_instance_proc_addr() const { return get_; }

 private:
  Library(void* handle, PFN_vkGetInstanceProcAddr get) : handle_(handle), get_(get) {}
  void* handle_;
  PFN_vkGetInstanceProcAddr get_;
};

/// All functions of the tables. Errors: unsupported — the driver lacks one, by name.
Result<InstanceApi> load_instance_api(PFN_vkGetInstanceProcAddr get, VkInstance instance);
Result<DeviceApi> load_device_api(PFN_vkGetDeviceProcAddr get, VkDevice device);

/// A call's code as a status: `what` names the call. Errors: exhausted — memory; device_lost;
/// unsupported — a feature or a driver is missing; internal — all others, by number.
Status check(VkResult code, std::string_view what);

}  // namespace troika::vulkan
