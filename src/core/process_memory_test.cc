#include "core/process_memory.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/aligned.h"

namespace troika {
namespace {

TEST(ProcessMemory, PeakGrowsWithWhatIsTouched) {
  constexpr int64_t kBytes = int64_t{64} << 20;
  reset_peak_resident_bytes();
  const std::optional<int64_t> before = peak_resident_bytes();
  if (!before) GTEST_SKIP() << "the system does not tell";
  {
    const Result<AlignedBytes> memory = AlignedBytes::allocate(kBytes);
    ASSERT_TRUE(memory.ok());
    std::memset(memory->data(), 1, static_cast<size_t>(kBytes));
  }
  EXPECT_GE(*peak_resident_bytes(), *before + kBytes / 2);  // a peak: it stays when memory is freed
}

}  // namespace
}  // namespace troika
