#include "device/vulkan/gpu.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace troika::vulkan {
namespace {

constexpr int64_t kBytesMin = 16;  // of a buffer; Vulkan knows no empty ones

std::optional<uint32_t> memory_type(const VkPhysicalDeviceMemoryProperties& memory,
                                    uint32_t allowed, VkMemoryPropertyFlags wanted) {
  for (uint32_t i = 0; i < memory.memoryTypeCount; i++)
    if ((allowed >> i & 1) != 0 && (memory.memoryTypes[i].propertyFlags & wanted) == wanted)
      return i;
  return std::nullopt;
}

}  // namespace

Memory::Memory(Memory&& other) noexcept {
  *this = std::move(other);
}

Memory& Memory::operator=(Memory&& other) noexcept {
  std::swap(gpu_, other.gpu_);
  std::swap(buffer_, other.buffer_);
  std::swap(memory_, other.memory_);
  std::swap(address_, other.address_);
  std::swap(host_, other.host_);
  std::swap(bytes_, other.bytes_);
  std::swap(kind_, other.kind_);
  return *this;
}

Memory::~Memory() {
  if (gpu_ == nullptr) return;
  gpu_->api_.vkDestroyBuffer(gpu_->device_, buffer_, nullptr);
  gpu_->api_.vkFreeMemory(gpu_->device_, memory_, nullptr);
  if (kind_ == MemoryKind::device) gpu_->allocated_bytes_ -= bytes_;
}

Result<std::unique_ptr<Gpu>> Gpu::open(std::string_view which) {
  TROIKA_TRY(std::unique_ptr<Instance> instance, Instance::make());
  TROIKA_TRY(const std::vector<PhysicalDevice> devices, instance->devices());
  std::unique_ptr<Gpu> gpu(new Gpu(std::move(instance)));
  TROIKA_TRY(gpu->physical_, choose(devices, which));
  TROIKA_RETURN_IF_ERROR(gpu->make_device());
  return gpu;
}

Status Gpu::make_device() {
  const float priority = 1;
  VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueFamilyIndex = physical_.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkPhysicalDeviceVulkan12Features features = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  features.bufferDeviceAddress = VK_TRUE;
  features.timelineSemaphore = VK_TRUE;
  VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  info.pNext = &features;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  TROIKA_RETURN_IF_ERROR(
      check(instance_->api().vkCreateDevice(physical_.handle, &info, nullptr, &device_),
            "vkCreateDevice"));
  TROIKA_TRY(api_, load_device_api(instance_->api().vkGetDeviceProcAddr, device_));
  api_.vkGetDeviceQueue(device_, physical_.queue_family, 0, &queue_);
  instance_->api().vkGetPhysicalDeviceMemoryProperties(physical_.handle, &memory_);
  return ok();
}

Gpu::~Gpu() {
  if (device_ == VK_NULL_HANDLE || api_.vkDestroyDevice == nullptr) return;
  api_.vkDeviceWaitIdle(device_);
  api_.vkDestroyDevice(device_, nullptr);
}

Result<Memory> Gpu::allocate(int64_t bytes, MemoryKind kind) const {
  if (bytes < 0) return fail(ErrorCode::invalid_argument, "vulkan: {} bytes", bytes);
  if (kind == MemoryKind::device && bytes > info().memory_bytes - allocated_bytes_)
    return fail(ErrorCode::exhausted, "vulkan: {} bytes wanted, {} of {} are in use", bytes,
                allocated_bytes_, info().memory_bytes);
  Memory memory;
  memory.gpu_ = this;
  memory.kind_ = kind;
  TROIKA_RETURN_IF_ERROR(fill(memory, std::max(bytes, kBytesMin)));
  memory.bytes_ = bytes;
  if (kind == MemoryKind::device) allocated_bytes_ += bytes;
  return memory;
}

Status Gpu::fill(Memory& memory, int64_t bytes) const {
  const bool staging = memory.kind_ == MemoryKind::staging;
  VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = static_cast<VkDeviceSize>(bytes);
  info.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
               VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
  TROIKA_RETURN_IF_ERROR(
      check(api_.vkCreateBuffer(device_, &info, nullptr, &memory.buffer_), "vkCreateBuffer"));
  VkMemoryRequirements needs;
  api_.vkGetBufferMemoryRequirements(device_, memory.buffer_, &needs);
  constexpr VkMemoryPropertyFlags kSeen =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  std::optional<uint32_t> type;
  if (staging)
    type = memory_type(memory_, needs.memoryTypeBits, kSeen | VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
  if (!type)
    type =
        memory_type(memory_, needs.memoryTypeBits,
                    staging ? kSeen : VkMemoryPropertyFlags{VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT});
  if (!type) return fail(ErrorCode::unsupported, "vulkan: no memory of the kind that is wanted");
  VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO};
  flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
  VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  allocation.pNext = &flags;
  allocation.allocationSize = needs.size;
  allocation.memoryTypeIndex = *type;
  TROIKA_RETURN_IF_ERROR(
      check(api_.vkAllocateMemory(device_, &allocation, nullptr, &memory.memory_),
            fmt::format("memory of {} bytes", bytes)));
  TROIKA_RETURN_IF_ERROR(check(api_.vkBindBufferMemory(device_, memory.buffer_, memory.memory_, 0),
                               "vkBindBufferMemory"));
  if (staging) {
    void* host = nullptr;
    TROIKA_RETURN_IF_ERROR(check(
        api_.vkMapMemory(device_, memory.memory_, 0, VK_WHOLE_SIZE, 0, &host), "vkMapMemory"));
    memory.host_ = static_cast<std::byte*>(host);
  }
  VkBufferDeviceAddressInfo address = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
  address.buffer = memory.buffer_;
  memory.address_ = api_.vkGetBufferDeviceAddress(device_, &address);
  return ok();
}

}  // namespace troika::vulkan
