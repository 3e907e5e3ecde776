#include "engine/preemption.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

TEST(Preemption, TakesTheCheaperKind) {
  const PreemptionCosts costs{
      .recompute_token = 2, .spill_page = 10, .spill_fixed = 50, .can_spill = true};
  EXPECT_EQ(cheaper_preemption(20, 1, costs), PreemptionKind::recompute);  // 40 and 60
  EXPECT_EQ(cheaper_preemption(640, 10, costs), PreemptionKind::spill);    // 1280 and 150
  EXPECT_EQ(cheaper_preemption(30, 1, costs), PreemptionKind::recompute);  // the same
  EXPECT_EQ(cheaper_preemption(640, 10, {.spill_page = 0}), PreemptionKind::recompute);
}

}  // namespace
}  // namespace troika
