// A file mapped read-only into memory. POSIX; the one place that knows mmap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "core/result.h"

namespace troika {

/// Owns the mapping; the bytes live as long as it does. Movable, not copyable.
class MappedFile {
 public:
  /// Maps a whole regular file.
  /// Errors: not_found — there is no such file or it cannot be read; invalid_argument — a directory
  /// or device.
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, static_cast<size_t>(size_)}; }
  int64_t size() const { return size_; }

  /// Asks the system to read what of `range` (inside bytes()) is not in memory yet, and does not
  /// wait. A hint. Cost: a system call for each 2 MiB, two where they are not in memory.
  void read_ahead(std::span<const std::byte> range) const;

  /// Maps the pages of `range` at once, waiting for those that have to be read: a sixth of the cost
  /// of as many page faults. A hint.
  void touch(std::span<const std::byte> range) const;

  /// Tells the system that `range` (inside bytes()) was read and its pages may be dropped. A hint.
  void drop(std::span<const std::byte> range) const;

 private:
  MappedFile(int file, const std::byte* data, int64_t size)
      : file_(file), data_(data), size_(size) {}
  int file_ = -1;
  const std::byte* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace troika
