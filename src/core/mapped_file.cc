#include "core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace troika {
namespace {

constexpr uintptr_t kPage = 4096;

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return fail(ErrorCode::not_found, "{}: cannot open: {}", path.string(), std::strerror(errno));
  struct stat info {};
  if (::fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(file);
    return fail(ErrorCode::invalid_argument, "{}: not a regular file", path.string());
  }
  const auto size = static_cast<int64_t>(info.st_size);
  if (size == 0) return MappedFile(file, nullptr, 0);
  void* data = ::mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_PRIVATE, file, 0);
  if (data == MAP_FAILED) {
    const int map_errno = errno;
    ::close(file);
    return fail(ErrorCode::exhausted, "{}: cannot map {} bytes: {}", path.string(), size,
                std::strerror(map_errno));
  }
  return MappedFile(file, static_cast<const std::byte*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), static_cast<size_t>(size_));
  if (file_ >= 0) ::close(file_);
}

void MappedFile::read_ahead(std::span<const std::byte> range) const {
  // Told to read, the system looks for every page; one byte in a step, read only if it is in
  // memory, mostly saves it the trouble.
  constexpr int64_t kStep = int64_t{2} << 20;
  const int64_t begin = range.data() - data_;
  const int64_t end = begin + std::ssize(range);
  for (int64_t at = begin; at < end; at += kStep) {
    std::byte byte;
    const iovec one{&byte, 1};
    if (::preadv2(file_, &one, 1, at, RWF_NOWAIT) == 1) continue;
    ::posix_fadvise(file_, at, std::min(kStep, end - at), POSIX_FADV_WILLNEED);
  }
}

void MappedFile::touch(std::span<const std::byte> range) const {
  const auto begin = reinterpret_cast<uintptr_t>(range.data()) / kPage * kPage;
  const auto end = reinterpret_cast<uintptr_t>(range.data()) + range.size();
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ);
}

void MappedFile::drop(std::span<const std::byte> range) const {
  const auto begin = (reinterpret_cast<uintptr_t>(range.data()) + kPage - 1) / kPage * kPage;
  const auto end = (reinterpret_cast<uintptr_t>(range.data()) + range.size()) / kPage * kPage;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace troika
