#include "device/vulkan/api.h"

#include <dlfcn.h>

namespace troika::vulkan {
namespace {

constexpr const char* kLibrary = "libvulkan.so.1";

Error lacks(std::string_view name) {
  return fail(ErrorCode::unsupported, "vulkan: the driver lacks {}", name);
}

}  // namespace

Result<std::unique_ptr<Library>> Library::open() {
  void* const handle = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return fail(ErrorCode::unsupported,
                "vulkan: no {} on this machine, wanted a Vulkan loader and a driver", kLibrary);
  const auto get =
      reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(handle, "vkGetInstanceProcAddr"));
  std::unique_ptr<Library> library(new Library(handle, get));
  if (get == nullptr) return lacks("vkGetInstanceProcAddr");
  return library;
}

Library::~Library() {
  dlclose(handle_);
}

#define TROIKA_VULKAN_LOAD(name)                              \
  api.name = reinterpret_cast<PFN_##name>(get(owner, #name)); \
  if (api.name == nullptr) return lacks(#name);

Result<InstanceApi> load_instance_api(PFN_vkGetInstanceProcAddr get, VkInstance owner) {
  InstanceApi api;
  TROIKA_VULKAN_INSTANCE_FUNCTIONS(TROIKA_VULKAN_LOAD)
  return api;
}

Result<DeviceApi> load_device_api(PFN_vkGetDeviceProcAddr get, VkDevice owner) {
  DeviceApi api;
  TROIKA_VULKAN_DEVICE_FUNCTIONS(TROIKA_VULKAN_LOAD)
  return api;
}

#undef TROIKA_VULKAN_LOAD

Status check(VkResult code, std::string_view what) {
  switch (code) {
    case VK_SUCCESS:
      return ok();
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_TOO_MANY_OBJECTS:
      return fail(ErrorCode::exhausted, "vulkan: {}: out of memory", what);
    case VK_ERROR_DEVICE_LOST:
      return fail(ErrorCode::device_lost, "vulkan: {}: the device was lost", what);
    case VK_ERROR_INCOMPATIBLE_DRIVER:
    case VK_ERROR_INITIALIZATION_FAILED:
    case VK_ERROR_FEATURE_NOT_PRESENT:
    case VK_ERROR_EXTENSION_NOT_PRESENT:
    case VK_ERROR_LAYER_NOT_PRESENT:
      return fail(ErrorCode::unsupported, "vulkan: {}: no driver that can do it", what);
    default:
      return fail(ErrorCode::internal, "vulkan: {}: error {}", what, static_cast<int>(code));
  }
}

}  // namespace troika::vulkan
