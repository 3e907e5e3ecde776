#include "core/cpu_features.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

TEST(CpuFeatures, NamesReadBack) {
  for (Isa isa : kIsas) EXPECT_EQ(parse_isa(isa_name(isa)), isa);
  EXPECT_EQ(parse_isa("avx1024"), std::nullopt);
  EXPECT_EQ(parse_isa(""), std::nullopt);
}

TEST(CpuFeatures, TheBestSetIsWithinTheCap) {
  CpuFeatures features;
  EXPECT_EQ(features.best(), Isa::portable);
  features.avx2 = true;
  EXPECT_EQ(features.best(), Isa::avx2);
  features.avx512 = true;
  EXPECT_EQ(features.best(), Isa::avx512);
  EXPECT_EQ(features.best(Isa::avx2), Isa::avx2);
  EXPECT_EQ(features.best(Isa::portable), Isa::portable);
}

TEST(CpuFeatures, DetectionIsStable) {
  for (Isa isa : kIsas) EXPECT_EQ(detect_cpu_features().has(isa), detect_cpu_features().has(isa));
}

TEST(CpuFeatures, ALaterSetIncludesTheEarlier) {
  const CpuFeatures features = detect_cpu_features();
  EXPECT_TRUE(features.has(Isa::portable));
  if (features.has(Isa::avx512)) {
    EXPECT_TRUE(features.has(Isa::avx2));
  }
}

}  // namespace
}  // namespace troika
