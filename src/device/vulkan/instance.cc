#include "device/vulkan/instance.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace troika::vulkan {
namespace {

constexpr uint32_t kApiVersion = VK_API_VERSION_1_2;  // addresses of buffers, timelines

/// What the shaders take for granted.
constexpr uint32_t kGroupSizeMin = 256;
constexpr uint32_t kPushBytesMin = 128;
constexpr uint32_t kSharedBytesMin = 16384;

VkPhysicalDeviceProperties2 properties_of(const InstanceApi& api, VkPhysicalDevice device,
                                          VkPhysicalDeviceDriverProperties& driver) {
  driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
  VkPhysicalDeviceProperties2 properties = {.sType =
                                                VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
  properties.pNext = &driver;
  api.vkGetPhysicalDeviceProperties2(device, &properties);
  return properties;
}

/// What the device lacks, in words; empty if nothing.
std::string lack_of(const InstanceApi& api, VkPhysicalDevice device,
                    const VkPhysicalDeviceProperties& properties) {
  if (properties.apiVersion < kApiVersion) return "Vulkan 1.2";
  VkPhysicalDeviceVulkan12Features of_12 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  features.pNext = &of_12;
  api.vkGetPhysicalDeviceFeatures2(device, &features);
  if (of_12.bufferDeviceAddress == 0) return "addresses of buffers";
  if (of_12.timelineSemaphore == 0) return "timeline semaphores";
  const VkPhysicalDeviceLimits& limits = properties.limits;
  if (limits.maxComputeWorkGroupInvocations < kGroupSizeMin ||
      limits.maxPushConstantsSize < kPushBytesMin ||
      limits.maxComputeSharedMemorySize < kSharedBytesMin)
    return "room for the shaders";
  return {};
}

std::optional<uint32_t> compute_queue(const InstanceApi& api, VkPhysicalDevice device) {
  uint32_t count = 0;
  api.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  api.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  for (uint32_t i = 0; i < count; i++)
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0) return i;
  return std::nullopt;
}

int64_t memory_of(const InstanceApi& api, VkPhysicalDevice device) {
  VkPhysicalDeviceMemoryProperties memory;
  api.vkGetPhysicalDeviceMemoryProperties(device, &memory);
  int64_t bytes = 0;
  for (uint32_t i = 0; i < memory.memoryHeapCount; i++)
    if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0)
      bytes = std::max(bytes, static_cast<int64_t>(memory.memoryHeaps[i].size));
  return bytes;
}

/// 0 for the kind that is fastest as a rule.
int rank_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 0;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 1;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return 4;
    default:
      return 3;
  }
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

bool names(const PhysicalDevice& device, std::string_view which) {
  int number = -1;
  const char* const end = which.data() + which.size();
  const auto [rest, error] = std::from_chars(which.data(), end, number);
  if (error == std::errc() && rest == end) return number == device.info.number;
  // Mesa's software driver calls its device llvmpipe; people know it as lavapipe, too.
  std::string name = lower(device.info.name);
  if (name.starts_with("llvmpipe")) name += " lavapipe";
  return name.find(lower(which)) != std::string::npos;
}

}  // namespace

Result<std::unique_ptr<Instance>> Instance::make() {
  TROIKA_TRY(std::unique_ptr<Library> library, Library::open());
  std::unique_ptr<Instance> made(new Instance(std::move(library)));
  const PFN_vkGetInstanceProcAddr get = made->library_->get_instance_proc_addr();
  const auto create = reinterpret_cast<PFN_vkCreateInstance>(get(nullptr, "vkCreateInstance"));
  if (create == nullptr)
    return fail(ErrorCode::unsupported, "vulkan: the loader lacks vkCreateInstance");
  VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.pApplicationName = "troika";
  application.apiVersion = kApiVersion;
  VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;
  if (const VkResult code = create(&info, nullptr, &made->instance_); code != VK_SUCCESS) {
    made->instance_ = VK_NULL_HANDLE;
    if (code == VK_ERROR_INCOMPATIBLE_DRIVER)
      return fail(ErrorCode::unsupported, "vulkan: no driver on this machine");
    TROIKA_RETURN_IF_ERROR(check(code, "vkCreateInstance"));
  }
  TROIKA_TRY(made->api_, load_instance_api(get, made->instance_));
  return made;
}

Instance::~Instance() {
  if (instance_ != VK_NULL_HANDLE && api_.vkDestroyInstance != nullptr)
    api_.vkDestroyInstance(instance_, nullptr);
}

Result<std::vector<PhysicalDevice>> Instance::devices() const {
  uint32_t count = 0;
  TROIKA_RETURN_IF_ERROR(check(api_.vkEnumeratePhysicalDevices(instance_, &count, nullptr),
                               "vkEnumeratePhysicalDevices"));
  std::vector<VkPhysicalDevice> handles(count);
  TROIKA_RETURN_IF_ERROR(check(api_.vkEnumeratePhysicalDevices(instance_, &count, handles.data()),
                               "vkEnumeratePhysicalDevices"));
  std::vector<std::pair<int, PhysicalDevice>> ranked;
  std::string lacking;
  for (const VkPhysicalDevice handle : handles) {
    VkPhysicalDeviceDriverProperties driver;
    const VkPhysicalDeviceProperties properties = properties_of(api_, handle, driver).properties;
    std::string lack = lack_of(api_, handle, properties);
    const std::optional<uint32_t> queue = compute_queue(api_, handle);
    if (lack.empty() && !queue) lack = "a queue that computes";
    if (!lack.empty()) {
      lacking += fmt::format("; {} lacks {}", properties.deviceName, lack);
      continue;
    }
    PhysicalDevice device{.handle = handle, .queue_family = *queue};
    device.info = {.name = properties.deviceName,
                   .driver = fmt::format("{} {}", driver.driverName, driver.driverInfo),
                   .memory_bytes = memory_of(api_, handle),
                   .own_memory = properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
                   .software = properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU};
    ranked.emplace_back(rank_of(properties.deviceType), std::move(device));
  }
  if (ranked.empty())
    return fail(ErrorCode::unsupported, "vulkan: no device on this machine{}", lacking);
  std::ranges::stable_sort(ranked, {}, &std::pair<int, PhysicalDevice>::first);
  std::vector<PhysicalDevice> devices;
  for (auto& [rank, device] : ranked) {
    device.info.number = static_cast<int>(devices.size());
    devices.push_back(std::move(device));
  }
  return devices;
}

Result<PhysicalDevice> choose(const std::vector<PhysicalDevice>& devices, std::string_view which) {
  std::string all;
  for (const PhysicalDevice& device : devices) {
    if (which.empty() || names(device, which)) return device;
    all += fmt::format("{}{} ({})", all.empty() ? "" : ", ", device.info.number, device.info.name);
  }
  return fail(ErrorCode::not_found, "vulkan: no device {}, wanted one of {}", which, all);
}

}  // namespace troika::vulkan
