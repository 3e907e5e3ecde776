#include "device/vulkan/stream.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

namespace troika::vulkan {
namespace {

constexpr size_t kBatchesMax = 8;                         // that run at the same time
constexpr int64_t kStagingBytesMin = int64_t{256} << 10;  // of one piece of memory
constexpr int64_t kBatchStagingMax = int64_t{32} << 20;   // after which a batch is handed over
constexpr int64_t kStagingAlignment = 16;

constexpr const char* kInputNames[] = {"token_ids",    "positions",  "spans",
                                       "output_spans", "page_table", "output_rows",
                                       "hidden_in",    "hidden_out", "row_blocks"};

}  // namespace

void record_barrier(const DeviceApi& api, VkCommandBuffer commands) {
  VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                          VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT |
                          VK_ACCESS_HOST_READ_BIT;
  constexpr VkPipelineStageFlags kWork =
      VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  api.vkCmdPipelineBarrier(commands, kWork, kWork | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0,
                           nullptr, 0, nullptr);
}

Result<std::unique_ptr<Stream>> Stream::make(const Gpu& gpu) {
  std::unique_ptr<Stream> stream(new Stream(gpu));
  TROIKA_RETURN_IF_ERROR(stream->open());
  return stream;
}

Status Stream::open() {
  const DeviceApi& api = gpu_.api();
  VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  pool.queueFamilyIndex = gpu_.queue_family();
  TROIKA_RETURN_IF_ERROR(
      check(api.vkCreateCommandPool(gpu_.handle(), &pool, nullptr, &pool_), "vkCreateCommandPool"));
  VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
  semaphore.pNext = &type;
  TROIKA_RETURN_IF_ERROR(check(
      api.vkCreateSemaphore(gpu_.handle(), &semaphore, nullptr, &timeline_), "vkCreateSemaphore"));
  TROIKA_TRY(faults_, gpu_.allocate(sizeof(uint32_t), MemoryKind::staging));
  std::memset(faults_.host(), 0, sizeof(uint32_t));
  return ok();
}

Stream::~Stream() {
  const DeviceApi& api = gpu_.api();
  api.vkDeviceWaitIdle(gpu_.handle());
  if (timeline_ != VK_NULL_HANDLE) api.vkDestroySemaphore(gpu_.handle(), timeline_, nullptr);
  if (pool_ != VK_NULL_HANDLE) api.vkDestroyCommandPool(gpu_.handle(), pool_, nullptr);
}

Result<VkCommandBuffer> Stream::take_commands() {
  if (!free_commands_.empty()) {
    const VkCommandBuffer commands = free_commands_.back();
    free_commands_.pop_back();
    return commands;
  }
  VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = pool_;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  TROIKA_RETURN_IF_ERROR(check(gpu_.api().vkAllocateCommandBuffers(gpu_.handle(), &info, &commands),
                               "vkAllocateCommandBuffers"));
  return commands;
}

Result<VkCommandBuffer> Stream::begin_call() {
  const DeviceApi& api = gpu_.api();
  if (!recording_) {
    TROIKA_TRY(const VkCommandBuffer commands, take_commands());
    VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    info.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    TROIKA_RETURN_IF_ERROR(
        check(api.vkBeginCommandBuffer(commands, &info), "vkBeginCommandBuffer"));
    recording_ = Batch{.commands = commands};
  }
  record_barrier(api, recording_->commands);
  return recording_->commands;
}

Result<Stream::Staged> Stream::stage(int64_t bytes) {
  Batch& batch = *recording_;
  if (batch.staging.empty() || bytes > batch.staging.back().bytes() - batch.staging_used) {
    const auto found = std::ranges::find_if(
        free_staging_, [&](const Memory& memory) { return memory.bytes() >= bytes; });
    if (found != free_staging_.end()) {
      batch.staging.push_back(std::move(*found));
      free_staging_.erase(found);
    } else {
      TROIKA_TRY(Memory memory,
                 gpu_.allocate(std::max(bytes, kStagingBytesMin), MemoryKind::staging));
      batch.staging.push_back(std::move(memory));
    }
    batch.staging_used = 0;
    batch.staging_bytes += batch.staging.back().bytes();
  }
  const Memory& memory = batch.staging.back();
  const Staged staged{{memory.buffer(), batch.staging_used}, memory.host() + batch.staging_used};
  batch.staging_used += (bytes + kStagingAlignment - 1) / kStagingAlignment * kStagingAlignment;
  return staged;
}

Result<uint64_t> Stream::write(Place to, std::span<const std::byte> source) {
  for (size_t begin = 0; begin < source.size();) {
    const size_t bytes = std::min(source.size() - begin, static_cast<size_t>(kBatchStagingMax) / 4);
    TROIKA_TRY(const VkCommandBuffer commands, begin_call());
    TROIKA_TRY(const Staged staged, stage(static_cast<int64_t>(bytes)));
    std::memcpy(staged.host, source.data() + begin, bytes);
    const VkBufferCopy region{static_cast<VkDeviceSize>(staged.place.offset),
                              static_cast<VkDeviceSize>(to.offset) + begin, bytes};
    gpu_.api().vkCmdCopyBuffer(commands, staged.place.buffer, to.buffer, 1, &region);
    begin += bytes;
    if (recording_->staging_bytes >= kBatchStagingMax) TROIKA_RETURN_IF_ERROR(submit());
  }
  return end_call();
}

Result<uint64_t> Stream::read(Place from, std::span<std::byte> destination) {
  if (destination.empty()) return end_call();
  TROIKA_TRY(const VkCommandBuffer commands, begin_call());
  TROIKA_TRY(const Staged staged, stage(std::ssize(destination)));
  const VkBufferCopy region{static_cast<VkDeviceSize>(from.offset),
                            static_cast<VkDeviceSize>(staged.place.offset), destination.size()};
  gpu_.api().vkCmdCopyBuffer(commands, from.buffer, staged.place.buffer, 1, &region);
  recording_->readbacks.push_back({staged.host, destination});
  return end_call();
}

Result<uint64_t> Stream::copy(Place from, Place to, int64_t bytes) {
  if (bytes == 0) return end_call();
  TROIKA_TRY(const VkCommandBuffer commands, begin_call());
  const VkBufferCopy region{static_cast<VkDeviceSize>(from.offset),
                            static_cast<VkDeviceSize>(to.offset), static_cast<VkDeviceSize>(bytes)};
  gpu_.api().vkCmdCopyBuffer(commands, from.buffer, to.buffer, 1, &region);
  return end_call();
}

Result<uint64_t> Stream::fill(Place to, std::byte value, int64_t bytes) {
  if (bytes == 0) return end_call();
  TROIKA_TRY(const VkCommandBuffer commands, begin_call());
  gpu_.api().vkCmdFillBuffer(commands, to.buffer, static_cast<VkDeviceSize>(to.offset),
                             static_cast<VkDeviceSize>(bytes),
                             static_cast<uint32_t>(value) * 0x01010101U);
  return end_call();
}

Status Stream::submit() {
  if (!recording_) return ok();
  const DeviceApi& api = gpu_.api();
  Batch batch = std::move(*recording_);
  recording_.reset();
  record_barrier(api, batch.commands);
  batch.last_call = calls_;
  batch.value = ++timeline_value_;
  TROIKA_RETURN_IF_ERROR(check(api.vkEndCommandBuffer(batch.commands), "vkEndCommandBuffer"));
  VkTimelineSemaphoreSubmitInfo values = {.sType =
                                              VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  values.signalSemaphoreValueCount = 1;
  values.pSignalSemaphoreValues = &batch.value;
  VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.pNext = &values;
  info.commandBufferCount = 1;
  info.pCommandBuffers = &batch.commands;
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &timeline_;
  TROIKA_RETURN_IF_ERROR(
      check(api.vkQueueSubmit(gpu_.queue(), 1, &info, VK_NULL_HANDLE), "vkQueueSubmit"));
  running_.push_back(std::move(batch));
  return running_.size() > kBatchesMax ? retire_oldest() : ok();
}

Status Stream::retire_oldest() {
  Batch batch = std::move(running_.front());
  running_.pop_front();
  VkSemaphoreWaitInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  info.semaphoreCount = 1;
  info.pSemaphores = &timeline_;
  info.pValues = &batch.value;
  TROIKA_RETURN_IF_ERROR(
      check(gpu_.api().vkWaitSemaphores(gpu_.handle(), &info, UINT64_MAX), "vkWaitSemaphores"));
  for (const Readback& readback : batch.readbacks)
    std::memcpy(readback.to.data(), readback.from, readback.to.size());
  finished_calls_ = batch.last_call;
  free_commands_.push_back(batch.commands);
  for (Memory& memory : batch.staging) free_staging_.push_back(std::move(memory));
  return ok();
}

Status Stream::wait(uint64_t call) {
  if (call > calls_)
    return fail(ErrorCode::invalid_argument, "wait for call {} of {}", call, calls_);
  if (finished_calls_ >= call) return ok();
  if (running_.empty() || running_.back().last_call < call) TROIKA_RETURN_IF_ERROR(submit());
  while (finished_calls_ < call && !running_.empty()) TROIKA_RETURN_IF_ERROR(retire_oldest());
  return check_faults();
}

Status Stream::check_faults() {
  auto& word = *reinterpret_cast<uint32_t*>(faults_.host());
  const uint32_t faults = std::atomic_ref(word).exchange(0);
  if (faults == 0) return ok();
  std::string names;
  for (size_t i = 0; i < std::size(kInputNames); i++)
    if ((faults >> i & 1) != 0) names += (names.empty() ? "" : ", ") + std::string(kInputNames[i]);
  return fail(ErrorCode::invalid_argument, "a step named something that is not there: {}", names);
}

}  // namespace troika::vulkan
