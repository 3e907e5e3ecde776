#include "allocated.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> allocated = 0;

}  // namespace

namespace troika::testing {

int64_t allocated_bytes() {
  return allocated.load();
}

}  // namespace troika::testing

void* operator new(size_t bytes) {
  allocated += static_cast<int64_t>(bytes);
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
