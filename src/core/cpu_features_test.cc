#include "core/cpu_features.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

TEST(CpuFeatures, NamesReadBack) {
  for (Isa isa : {Isa::portable, Isa::avx512}) EXPECT_EQ(parse_isa(isa_name(isa)), isa);
  EXPECT_EQ(parse_isa("avx1024"), std::nullopt);
  EXPECT_EQ(parse_isa(""), std::nullopt);
}

TEST(CpuFeatures, TheBestSetIsWithinTheCap) {
  CpuFeatures features;
  EXPECT_EQ(features.best(), Isa::portable);
  features.avx512 = true;
  EXPECT_EQ(features.best(), Isa::avx512);
  EXPECT_EQ(features.best(Isa::portable), Isa::portable);
}

TEST(CpuFeatures, DetectionIsStable) {
  EXPECT_EQ(detect_cpu_features().avx512, detect_cpu_features().avx512);
}

}  // namespace
}  // namespace troika
