#include "core/aligned.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "core/memory_nodes.h"

namespace troika {
namespace {

constexpr int64_t kPage = 4096;
constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kMappingMin = int64_t{1} << 20;
constexpr int64_t kMappingMax = int64_t{256} << 20;

int64_t round_up(int64_t bytes, int64_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

/// Owns whole pages.
class Mapping {
 public:
  Mapping(std::byte* data, int64_t bytes) : data_(data), bytes_(bytes) {}
  ~Mapping() { munmap(data_, static_cast<size_t>(bytes_)); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  std::byte* data() const { return data_; }

 private:
  std::byte* data_;
  int64_t bytes_;
};

Result<std::byte*> map_pages(int64_t bytes) {
  void* mapped = MAP_FAILED;
  if (bytes > 0)
    mapped = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return fail(ErrorCode::exhausted, "no memory for {} bytes", bytes);
  return static_cast<std::byte*>(mapped);
}

/// Pages for `bytes`; from 2 MiB on they begin with a huge page.
Result<std::shared_ptr<const Mapping>> map_aligned(int64_t bytes) {
  if (bytes < kHugePage || bytes > INT64_MAX - 2 * kHugePage) {
    TROIKA_TRY(std::byte* const data, map_pages(bytes));
    return std::make_shared<const Mapping>(data, bytes);
  }
  const int64_t wanted = round_up(bytes, kPage);
  TROIKA_TRY(std::byte* const mapped, map_pages(wanted + kHugePage));
  const auto address = static_cast<int64_t>(reinterpret_cast<uintptr_t>(mapped));
  const int64_t before = round_up(address, kHugePage) - address;
  if (before > 0) munmap(mapped, static_cast<size_t>(before));
  if (before < kHugePage) munmap(mapped + before + wanted, static_cast<size_t>(kHugePage - before));
  // Advice only: fewer page faults while weights are imported, fewer misses of the TLB while they
  // are read. Refusal costs nothing but time.
  madvise(mapped + before, static_cast<size_t>(wanted), MADV_HUGEPAGE);
  return std::make_shared<const Mapping>(mapped + before, wanted);
}

/// Bytes to map next, where `mapped` are so far, for a range of `pages` bytes. Mappings grow with
/// the arena, so that a small model does not pay for huge pages.
int64_t next_mapping(int64_t mapped, int64_t pages) {
  if (mapped == 0 && pages <= kMappingMin) return kMappingMin;
  return round_up(std::max(pages, std::clamp(mapped, kHugePage, kMappingMax)), kHugePage);
}

}  // namespace

AlignedBytes::AlignedBytes(AlignedBytes&& other) noexcept
    : mapping_(std::move(other.mapping_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

AlignedBytes& AlignedBytes::operator=(AlignedBytes&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Result<AlignedBytes> AlignedBytes::allocate(int64_t bytes) {
  AlignedBytes memory;
  if (bytes == 0) return memory;
  TROIKA_TRY(const std::shared_ptr<const Mapping> mapping, map_aligned(bytes));
  memory.mapping_ = mapping;
  memory.data_ = mapping->data();
  memory.size_ = bytes;
  return memory;
}

/// Lets the range be counted until it is dropped.
AlignedBytes AlignedArena::account(AlignedBytes memory, int64_t pages) const {
  held_->fetch_add(pages, std::memory_order_relaxed);
  memory.mapping_ = std::shared_ptr<const void>(
      memory.data_, [mapping = std::move(memory.mapping_), held = held_, pages](const void*) {
        held->fetch_sub(pages, std::memory_order_relaxed);
      });
  return memory;
}

Result<AlignedBytes> AlignedArena::allocate(int64_t bytes) {
  if (bytes <= 0 || bytes > INT64_MAX / 2) return AlignedBytes::allocate(bytes);
  const int64_t pages = round_up(bytes, kPage);
  AlignedBytes memory;
  memory.size_ = bytes;
  if (pages <= left_) {
    memory.mapping_ = mapping_;
    memory.data_ = std::exchange(next_, next_ + pages);
    left_ -= pages;
    return account(std::move(memory), pages);
  }
  const int64_t mapped = next_mapping(mapped_, pages);
  TROIKA_TRY(const std::shared_ptr<const Mapping> mapping, map_aligned(mapped));
  prefer_memory_nodes({mapping->data(), static_cast<size_t>(mapped)}, nodes_);
  memory.mapping_ = mapping;
  memory.data_ = mapping->data();
  mapped_ += mapped;
  if (mapped - pages > left_) {
    mapping_ = mapping;
    next_ = mapping->data() + pages;
    left_ = mapped - pages;
  }
  return account(std::move(memory), pages);
}

}  // namespace troika
