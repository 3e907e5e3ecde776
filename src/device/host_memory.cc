#include "device/host_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <utility>

#include "core/check.h"
#include "core/memory_nodes.h"

namespace troika {
namespace {

constexpr int64_t kHugePageBytes = int64_t{2} << 20;

int64_t machine_bytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

int protection(bool locked) {
  return locked ? PROT_NONE : PROT_READ | PROT_WRITE;
}

}  // namespace

/// What all handles of an allocator share.
struct HostMemory::Registry {
  std::mutex mutex;
  std::map<std::byte*, int64_t> live;  // start of a mapping to its bytes
  int64_t limit_bytes = 0;
  int64_t used_bytes = 0;
  bool locked = false;
};

HostMemory::HostMemory(HostMemory&& other) noexcept {
  *this = std::move(other);
}

HostMemory& HostMemory::operator=(HostMemory&& other) noexcept {
  if (this == &other) return *this;
  release();
  registry_ = std::move(other.registry_);
  held_ = std::move(other.held_);
  data_ = std::exchange(other.data_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

HostMemory::~HostMemory() {
  release();
}

void HostMemory::release() {
  if (data_ == nullptr) return;
  const std::lock_guard lock(registry_->mutex);
  registry_->live.erase(data_);
  registry_->used_bytes -= bytes_;
  *held_ -= bytes_;
  munmap(data_, static_cast<size_t>(bytes_));
  data_ = nullptr;
}

HostAllocator::HostAllocator() : HostAllocator(machine_bytes()) {}

HostAllocator::HostAllocator(int64_t limit_bytes)
    : registry_(std::make_shared<HostMemory::Registry>()), held_(std::make_shared<int64_t>(0)) {
  registry_->limit_bytes = limit_bytes;
}

int64_t HostAllocator::limit_bytes() const {
  return registry_->limit_bytes;
}

HostAllocator HostAllocator::with_own_account() const {
  HostAllocator other = *this;
  other.held_ = std::make_shared<int64_t>(0);
  return other;
}

HostAllocator HostAllocator::on_memory_nodes(std::vector<int> nodes) const {
  HostAllocator other = *this;
  other.nodes_ = std::move(nodes);
  return other;
}

int64_t HostAllocator::held_bytes() const {
  const std::lock_guard lock(registry_->mutex);
  return *held_;
}

Result<HostMemory> HostAllocator::allocate(int64_t bytes) {
  if (bytes < 0)
    return fail(ErrorCode::invalid_argument, "host memory of {} bytes, wanted 0 or more", bytes);
  HostMemory memory;
  if (bytes == 0) return memory;
  const std::lock_guard lock(registry_->mutex);
  const int64_t free_bytes = registry_->limit_bytes - registry_->used_bytes;
  if (bytes > free_bytes)
    return fail(ErrorCode::exhausted, "host memory: {} bytes wanted, {} of {} left", bytes,
                free_bytes, registry_->limit_bytes);
  void* data = mmap(nullptr, static_cast<size_t>(bytes), protection(registry_->locked),
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    return fail(ErrorCode::exhausted, "host memory: the system refuses {} bytes", bytes);
  if (bytes >= kHugePageBytes) madvise(data, static_cast<size_t>(bytes), MADV_HUGEPAGE);
  prefer_memory_nodes({static_cast<std::byte*>(data), static_cast<size_t>(bytes)}, nodes_);
  memory.registry_ = registry_;
  memory.held_ = held_;
  memory.data_ = static_cast<std::byte*>(data);
  memory.bytes_ = bytes;
  registry_->live.emplace(memory.data_, bytes);
  registry_->used_bytes += bytes;
  *held_ += bytes;
  return memory;
}

void HostAllocator::lock() {
  protect(true);
}

void HostAllocator::unlock() {
  protect(false);
}

void HostAllocator::protect(bool locked) {
  const std::lock_guard lock(registry_->mutex);
  if (registry_->locked == locked) return;
  registry_->locked = locked;
  for (const auto& [data, bytes] : registry_->live)
    TROIKA_CHECK(mprotect(data, static_cast<size_t>(bytes), protection(locked)) == 0);
}

}  // namespace troika
