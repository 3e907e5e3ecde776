#include "device/cpu/machine_probe.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

constexpr ProbeOptions kQuick{
    .threads = 2, .buffer_bytes = int64_t{4} << 20, .measure_ms = 1, .isa_max = Isa::avx512};

TEST(MachineProbe, MeasuresReadsAndEachInstructionSet) {
  Result<MachineProbe> probe = MachineProbe::make(kQuick);
  ASSERT_TRUE(probe.ok()) << probe.error().message();
  EXPECT_EQ(probe->threads(), 2);
  EXPECT_GT(probe->read_bytes_per_s(), 1e6);
  const std::vector<ComputePeak> peaks = probe->compute_peaks();
  ASSERT_FALSE(peaks.empty());
  EXPECT_EQ(peaks.front().isa, Isa::portable);
  EXPECT_EQ(peaks.back().isa, detect_cpu_features().best());
  for (const ComputePeak& peak : peaks) {
    EXPECT_GT(peak.int8_per_s, 1e6);
    EXPECT_GT(peak.f32_per_s, 1e6);
  }
}

TEST(MachineProbe, StopsAtTheInstructionSetGiven) {
  ProbeOptions options = kQuick;
  options.isa_max = Isa::portable;
  Result<MachineProbe> probe = MachineProbe::make(options);
  ASSERT_TRUE(probe.ok());
  EXPECT_EQ(probe->compute_peaks().size(), 1u);
}

TEST(MachineProbe, TakesWholeRunsOfItsBuffer) {
  ProbeOptions options = kQuick;
  options.buffer_bytes = 1;
  const Result<MachineProbe> probe = MachineProbe::make(options);
  ASSERT_TRUE(probe.ok());
  EXPECT_EQ(probe->buffer_bytes(), int64_t{1} << 20);
}

TEST(MachineProbe, RefusesWhatMakesNoSense) {
  ProbeOptions options = kQuick;
  options.buffer_bytes = -1;
  EXPECT_EQ(MachineProbe::make(options).error().code(), ErrorCode::invalid_argument);
  options = kQuick;
  options.threads = -1;
  EXPECT_FALSE(MachineProbe::make(options).ok());
}

}  // namespace
}  // namespace troika
