// A lock between processes, held by the system: it ends with the process that holds it.
#pragma once

#include <string>

#include "core/result.h"

namespace troika {

/// Holds a file locked (flock) as long as it lives. POSIX.
class FileLock {
 public:
  /// Waits for others. The file at `path` is made where there is none and never removed.
  /// Errors: not_found — it cannot be made or locked.
  static Result<FileLock> take(const std::string& path);

  /// The same without waiting. Errors: exhausted — another holds it.
  static Result<FileLock> try_take(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  static Result<FileLock> lock(const std::string& path, int operation);
  int descriptor_;
};

}  // namespace troika
