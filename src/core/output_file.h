// A result file that appears whole or not at all: written beside its name, renamed when complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/result.h"

namespace troika {

/// Owns the unfinished file; what is not committed is removed. A path that names something other
/// than a regular file (a pipe, a device) is written directly. POSIX.
class OutputFile {
 public:
  /// Whether create() can succeed, before long work is begun for it.
  static Status check(const std::string& path);

  enum class Access : uint8_t { usual, owner };  // as for any new file; nobody else's

  /// Errors: invalid_argument — a directory; not_found — the folder is missing or not writable.
  static Result<OutputFile> create(const std::string& path, Access access = Access::usual);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  /// Appends. Errors: exhausted — the disk is full.
  Status write(std::span<const std::byte> bytes);

  /// Gives the file its name, replacing what was there.
  Status commit();

 private:
  OutputFile(std::string path, std::string unfinished, int descriptor)
      : path_(std::move(path)), unfinished_(std::move(unfinished)), descriptor_(descriptor) {}

  std::string path_;
  std::string unfinished_;  // empty: written directly, or committed
  int descriptor_ = -1;
};

}  // namespace troika
