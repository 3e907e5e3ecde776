#include "device/memory_plan.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace troika {
namespace {

TEST(MemoryPlanTest, LivesThatDoNotMeetShareMemory) {
  std::vector<SlotLife> slots{{.bytes = 100, .first = 0, .last = 1},
                              {.bytes = 128, .first = 2, .last = 3}};
  EXPECT_EQ(plan_memory(slots), 128);
  EXPECT_EQ(slots[0].offset, slots[1].offset);
}

TEST(MemoryPlanTest, APhaseInCommonIsEnoughToMeet) {
  std::vector<SlotLife> slots{{.bytes = 64, .first = 0, .last = 2},
                              {.bytes = 64, .first = 2, .last = 3}};
  EXPECT_EQ(plan_memory(slots), 128);
}

TEST(MemoryPlanTest, NothingTakesNothing) {
  std::vector<SlotLife> slots{{.bytes = 0, .first = 0, .last = 5}};
  EXPECT_EQ(plan_memory(slots), 0);
  EXPECT_EQ(plan_memory({}), 0);
}

TEST(MemoryPlanTest, NoTwoLiveSlotsOverlap) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; round++) {
    std::vector<SlotLife> slots(40);
    for (SlotLife& slot : slots) {
      slot.bytes = random() % 1000;
      slot.first = random() % 20;
      slot.last = slot.first + random() % 6;
    }
    const int64_t bytes = plan_memory(slots);
    for (const SlotLife& a : slots) {
      EXPECT_EQ(a.offset % 64, 0);
      EXPECT_LE(a.offset + a.bytes, bytes);
      for (const SlotLife& b : slots) {
        if (&a == &b || a.bytes == 0 || b.bytes == 0) continue;
        if (a.last < b.first || b.last < a.first) continue;
        EXPECT_TRUE(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset);
      }
    }
  }
}

}  // namespace
}  // namespace troika
