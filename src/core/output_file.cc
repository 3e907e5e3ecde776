#include "core/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace troika {
namespace {

constexpr mode_t kMode = 0666;  // less the process's umask, as for any new file

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

Error cannot(std::string_view what, const std::string& path, int error) {
  return fail(ErrorCode::not_found, "{}: cannot {}: {}", path, what, std::strerror(error));
}

}  // namespace

Status OutputFile::check(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode))
      return fail(ErrorCode::invalid_argument, "{}: a directory, wanted the name of a file", path);
    if (!S_ISREG(status.st_mode)) return ok();
  }
  const std::string folder = folder_of(path);
  if (stat(folder.c_str(), &status) != 0) return cannot("write", path, errno);
  if (!S_ISDIR(status.st_mode)) return cannot("write", path, ENOTDIR);
  if (access(folder.c_str(), W_OK | X_OK) != 0) return cannot("write", path, errno);
  return ok();
}

Result<OutputFile> OutputFile::create(const std::string& path, Access access) {
  TROIKA_RETURN_IF_ERROR(check(path));
  struct stat status = {};
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return cannot("open", path, errno);
    return OutputFile(path, "", descriptor);
  }
  const std::string name = std::filesystem::path(path).filename().string();
  std::string unfinished = folder_of(path) + "/." + name + ".XXXXXX";
  const int descriptor = mkostemp(unfinished.data(), O_CLOEXEC);
  if (descriptor < 0) return cannot("write", path, errno);
  if (access == Access::usual) {  // else as it was made: 0600
    const mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, kMode & ~mask);
  }
  return OutputFile(path, std::move(unfinished), descriptor);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      unfinished_(std::exchange(other.unfinished_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!unfinished_.empty()) unlink(unfinished_.c_str());
}

Status OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      return fail(ErrorCode::exhausted, "{}: cannot write: {}", path_, std::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return ok();
}

Status OutputFile::commit() {
  if (close(std::exchange(descriptor_, -1)) != 0)
    return fail(ErrorCode::exhausted, "{}: cannot write: {}", path_, std::strerror(errno));
  if (unfinished_.empty()) return ok();
  if (rename(unfinished_.c_str(), path_.c_str()) != 0) return cannot("rename", path_, errno);
  unfinished_.clear();
  return ok();
}

}  // namespace troika
