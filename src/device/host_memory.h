// Host memory for devices that compute on the host: page-aligned, with a limit, and lockable. A
// locked page cannot be touched at all, so a test that locks all buffers outside of device calls
// finds everybody who reaches into them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/result.h"

namespace troika {

/// Owns one allocation; movable. Its bytes start on a page boundary (4096, hence also 64) and are
/// zero at first.
class HostMemory {
 public:
  HostMemory() = default;
  HostMemory(HostMemory&& other) noexcept;
  HostMemory& operator=(HostMemory&& other) noexcept;
  ~HostMemory();

  std::byte* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  std::span<std::byte> span() const { return {data_, static_cast<size_t>(bytes_)}; }

 private:
  friend class HostAllocator;
  struct Registry;
  void release();

  std::shared_ptr<Registry> registry_;
  std::shared_ptr<int64_t> held_;  // of the account that it came from; by the registry's mutex
  std::byte* data_ = nullptr;
  int64_t bytes_ = 0;
};

/// Gives out host memory. A cheap handle: copies share the limit, the live allocations and the
/// lock. Thread-safe; memory may outlive it.
class HostAllocator {
 public:
  /// At most as much as the machine has.
  HostAllocator();
  explicit HostAllocator(int64_t limit_bytes);

  /// What this allocator gives out in all.
  int64_t limit_bytes() const;

  /// A handle that counts what it gives out by itself, and shares all else with this one.
  HostAllocator with_own_account() const;

  /// A handle whose pages come from these memory nodes, as far as they have any, and which shares
  /// all else with this one. No nodes: from any.
  HostAllocator on_memory_nodes(std::vector<int> nodes) const;

  /// Bytes given out by this handle and its copies, and alive.
  int64_t held_bytes() const;

  /// `bytes` (0 is allowed) of zeros; allocations of 2 MiB and more ask for huge pages. Errors:
  /// invalid_argument — negative; exhausted — over the limit, or the system refuses.
  Result<HostMemory> allocate(int64_t bytes);

  /// Makes all live and all future allocations untouchable, until unlock(). Cost: one system call
  /// for each allocation.
  void lock();
  void unlock();

 private:
  void protect(bool locked);
  std::shared_ptr<HostMemory::Registry> registry_;
  std::shared_ptr<int64_t> held_;
  std::vector<int> nodes_;
};

}  // namespace troika
