// What the device was told to do, in order: calls are recorded into a command buffer, handed over
// together, and counted on a timeline. Host bytes go through staging memory in both directions.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "device/vulkan/gpu.h"

namespace troika::vulkan {

/// A place in a buffer.
struct Place {
  VkBuffer buffer = VK_NULL_HANDLE;
  int64_t offset = 0;
};

/// Orders everything recorded before it before everything after it: copies, shaders, the host.
void record_barrier(const DeviceApi& api, VkCommandBuffer commands);

class Stream {
 public:
  static Result<std::unique_ptr<Stream>> make(const Gpu& gpu);
  /// Waits for what was handed over; what was only recorded is dropped.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Where the commands of the next call go, behind a barrier. Valid until the next function of
  /// this class. Errors: those of the driver.
  Result<VkCommandBuffer> begin_call();
  /// Numbers the call whose commands were recorded.
  uint64_t end_call() { return ++calls_; }

  /// Calls of their own. `source` may be reused at once; `destination` is filled by a wait.
  Result<uint64_t> write(Place to, std::span<const std::byte> source);
  Result<uint64_t> read(Place from, std::span<std::byte> destination);
  Result<uint64_t> copy(Place from, Place to, int64_t bytes);
  /// Place and size are multiples of 4.
  Result<uint64_t> fill(Place to, std::byte value, int64_t bytes);

  /// Hands over what is recorded. Calls are handed over by wait() at the latest.
  Status submit();
  /// Returns when call number `call` and all before it have finished. Errors: invalid_argument — no
  /// such call, or a step named something that is not there (Faults of shaders/memory.glsl).
  Status wait(uint64_t call);
  /// Waits for all calls.
  Status finish() { return wait(calls_); }

  /// The word in which shaders report faults.
  uint64_t faults_address() const { return faults_.address(); }

 private:
  /// Bytes of the device that go to the host once they have arrived in staging memory.
  struct Readback {
    const std::byte* from;
    std::span<std::byte> to;
  };
  /// Commands of some calls, and what they need until they have run.
  struct Batch {
    VkCommandBuffer commands = VK_NULL_HANDLE;
    uint64_t last_call = 0;
    uint64_t value = 0;  // of the timeline, once they have run
    std::vector<Memory> staging;
    int64_t staging_used = 0;  // bytes of staging.back()
    int64_t staging_bytes = 0;
    std::vector<Readback> readbacks;
  };
  struct Staged {
    Place place;
    std::byte* host;
  };

  explicit Stream(const Gpu& gpu) : gpu_(gpu) {}
  Status open();
  Result<VkCommandBuffer> take_commands();
  Result<Staged> stage(int64_t bytes);
  Status retire_oldest();
  Status check_faults();

  const Gpu& gpu_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkSemaphore timeline_ = VK_NULL_HANDLE;
  Memory faults_;
  std::vector<VkCommandBuffer> free_commands_;
  std::vector<Memory> free_staging_;
  std::optional<Batch> recording_;
  std::deque<Batch> running_;
  uint64_t calls_ = 0;
  uint64_t finished_calls_ = 0;
  uint64_t timeline_value_ = 0;
};

}  // namespace troika::vulkan
