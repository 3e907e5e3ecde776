// Memory for weights and caches: aligned, zeroed, in huge pages where the system gives them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/result.h"

namespace troika {

/// Owns a zeroed range of memory that starts on a page. Moves, never copies.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  ~AlignedBytes();
  AlignedBytes(AlignedBytes&& other) noexcept;
  AlignedBytes& operator=(AlignedBytes&& other) noexcept;

  /// Maps `bytes` >= 0 bytes; pages are touched by whoever writes them first. Errors: exhausted.
  static Result<AlignedBytes> allocate(int64_t bytes);

  std::byte* data() const { return data_; }
  int64_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace troika
