#include "core/aligned.h"

#include <sys/mman.h>

#include <utility>

namespace troika {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;

}  // namespace

AlignedBytes::~AlignedBytes() {
  if (data_ != nullptr) munmap(data_, static_cast<size_t>(size_));
}

AlignedBytes::AlignedBytes(AlignedBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

AlignedBytes& AlignedBytes::operator=(AlignedBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Result<AlignedBytes> AlignedBytes::allocate(int64_t bytes) {
  AlignedBytes memory;
  if (bytes == 0) return memory;
  void* mapped = MAP_FAILED;
  if (bytes > 0)
    mapped = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return fail(ErrorCode::exhausted, "no memory for {} bytes", bytes);
  memory.data_ = static_cast<std::byte*>(mapped);
  memory.size_ = bytes;
  // Advice only: fewer page faults while weights are imported. Refusal costs nothing but time.
  if (bytes >= kHugePage) madvise(mapped, static_cast<size_t>(bytes), MADV_HUGEPAGE);
  return memory;
}

}  // namespace troika
