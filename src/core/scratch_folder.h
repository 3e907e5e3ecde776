// A folder for files that are of use while this process lives and to nobody else. POSIX.
#pragma once

#include <string>

#include "core/result.h"

namespace troika {

/// Owns a folder that only this user may enter, and removes it with all that is in it. What
/// processes left behind that ended without doing so is removed by the next one in the same place.
class ScratchFolder {
 public:
  /// Makes a folder in `parent`, which is there. Errors: not_found — `parent` is no folder that can
  /// be written to.
  static Result<ScratchFolder> create(const std::string& parent);

  ScratchFolder(ScratchFolder&& other) noexcept;
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();

  const std::string& path() const { return path_; }

 private:
  ScratchFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;  // empty: moved away
  int lock_ = -1;     // held as long as the process lives
};

}  // namespace troika
