#include "core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace troika {

Result<FileLock> FileLock::take(const std::string& path) {
  return lock(path, LOCK_EX);
}

Result<FileLock> FileLock::try_take(const std::string& path) {
  return lock(path, LOCK_EX | LOCK_NB);
}

Result<FileLock> FileLock::lock(const std::string& path, int operation) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return fail(ErrorCode::not_found, "{}: cannot open: {}", path, std::strerror(errno));
  FileLock held(descriptor);
  while (flock(descriptor, operation) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK)
      return fail(ErrorCode::exhausted, "{}: another process holds this lock", path);
    return fail(ErrorCode::not_found, "{}: cannot lock: {}", path, std::strerror(errno));
  }
  return held;
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace troika
