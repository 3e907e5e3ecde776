#include "core/scratch_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace troika {
namespace {

constexpr std::string_view kPrefix = "troika-scratch-";
constexpr std::string_view kLock = "/lock";

/// A descriptor of the folder's lock, held; -1: another process lives in it, or it cannot be had.
int take_lock(const std::string& folder) {
  const std::string name = folder + std::string(kLock);
  const int lock = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return -1;
  if (flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  close(lock);
  return -1;
}

void remove_with_content(const std::string& folder) {
  std::error_code ignored;  // nobody is left to tell
  std::filesystem::remove_all(folder, ignored);
}

/// Removes what ended processes left in `parent`.
void remove_abandoned(const std::string& parent) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
    const bool ours = entry.path().filename().string().starts_with(kPrefix);
    if (!ours || entry.is_symlink(error) || !entry.is_directory(error)) continue;
    const int lock = take_lock(entry.path().string());
    if (lock < 0) continue;
    remove_with_content(entry.path().string());
    close(lock);
  }
}

}  // namespace

Result<ScratchFolder> ScratchFolder::create(const std::string& parent) {
  remove_abandoned(parent);
  std::string path = parent + "/" + std::string(kPrefix) + "XXXXXX";
  if (mkdtemp(path.data()) == nullptr)
    return fail(ErrorCode::not_found, "{}: cannot make a folder in it: {}", parent,
                std::strerror(errno));
  const int lock = take_lock(path);
  if (lock >= 0) return ScratchFolder(std::move(path), lock);
  remove_with_content(path);
  return fail(ErrorCode::not_found, "{}: cannot lock a folder in it: {}", parent,
              std::strerror(errno));
}

ScratchFolder::ScratchFolder(ScratchFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}

ScratchFolder::~ScratchFolder() {
  if (path_.empty()) return;
  remove_with_content(path_);
  close(lock_);
}

}  // namespace troika
