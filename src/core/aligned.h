// Memory for weights and caches: aligned, zeroed, in huge pages where the system gives them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/result.h"

namespace troika {

/// Owns a zeroed range of memory that starts on a page. Moves, never copies.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  AlignedBytes(AlignedBytes&& other) noexcept;
  AlignedBytes& operator=(AlignedBytes&& other) noexcept;

  /// Maps `bytes` >= 0 bytes; pages are touched by whoever writes them first. Errors: exhausted.
  static Result<AlignedBytes> allocate(int64_t bytes);

  std::byte* data() const { return data_; }
  int64_t size() const { return size_; }

 private:
  friend class AlignedArena;
  std::shared_ptr<const void> mapping_;  // that the range lies in
  std::byte* data_ = nullptr;
  int64_t size_ = 0;
};

/// Gives out ranges of few large mappings: neighbours share huge pages, which a range of a few
/// megabytes could not fill by itself. A mapping is given back with the last range in it. One
/// thread at a time.
class AlignedArena {
 public:
  /// @param memory_nodes  that pages are to come from, as far as these have any; none: any
  explicit AlignedArena(std::vector<int> memory_nodes = {}) : nodes_(std::move(memory_nodes)) {}

  /// As AlignedBytes::allocate. What is mapped ahead costs address space only.
  Result<AlignedBytes> allocate(int64_t bytes);

  /// Bytes of all ranges that are alive, in whole pages. Thread-safe.
  int64_t held_bytes() const { return held_->load(std::memory_order_relaxed); }

 private:
  AlignedBytes account(AlignedBytes memory, int64_t pages) const;

  std::vector<int> nodes_;
  std::shared_ptr<std::atomic<int64_t>> held_ = std::make_shared<std::atomic<int64_t>>(0);
  std::shared_ptr<const void> mapping_;
  std::byte* next_ = nullptr;  // free pages of mapping_
  int64_t left_ = 0;           // bytes of them
  int64_t mapped_ = 0;         // bytes of all mappings so far
};

}  // namespace troika
