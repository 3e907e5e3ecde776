// An open device: its queue and its memory. Everything else of this folder is made from one.
#pragma once

#include <cstdint>
#include <memory>

#include "device/vulkan/instance.h"

namespace troika::vulkan {

/// What memory is for.
enum class MemoryKind : uint8_t {
  device,  // computed on
  staging  // seen by the host, all the time, without caches in between
};

class Gpu;

/// One buffer with its memory; movable. Must not outlive its Gpu.
class Memory {
 public:
  Memory() = default;
  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&& other) noexcept;
  ~Memory();

  VkBuffer buffer() const { return buffer_; }
  uint64_t address() const { return address_; }  // for shaders; a multiple of 16
  std::byte* host() const { return host_; }      // of staging memory
  int64_t bytes() const { return bytes_; }

 private:
  friend class Gpu;
  const Gpu* gpu_ = nullptr;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  uint64_t address_ = 0;
  std::byte* host_ = nullptr;
  int64_t bytes_ = 0;
  MemoryKind kind_ = MemoryKind::device;
};

class Gpu {
 public:
  /// Opens the device that `which` names, as choose() does.
  static Result<std::unique_ptr<Gpu>> open(std::string_view which);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  const VulkanDeviceInfo& info() const { return physical_.info; }
  const DeviceApi& api() const { return api_; }
  VkDevice handle() const { return device_; }
  VkQueue queue() const { return queue_; }
  uint32_t queue_family() const { return physical_.queue_family; }

  /// Memory of at least `bytes` (0 is allowed), contents undefined.
  /// Errors: exhausted — with what is wanted and what there is in all; invalid_argument — negative.
  Result<Memory> allocate(int64_t bytes, MemoryKind kind) const;

 private:
  friend class Memory;
  explicit Gpu(std::unique_ptr<Instance> instance) : instance_(std::move(instance)) {}
  Status make_device();
  Status fill(Memory& memory, int64_t bytes) const;

  std::unique_ptr<Instance> instance_;
  PhysicalDevice physical_;
  VkPhysicalDeviceMemoryProperties memory_{};
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  DeviceApi api_;
  mutable int64_t allocated_bytes_ = 0;  // of device memory
};

}  // namespace troika::vulkan
