#include "engine/pace.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

TEST(PaceTest, PromptsAreNotBoundedBeforeTheirTimesAreKnown) {
  Pace pace(50);
  EXPECT_EQ(pace.prompt_rows_max(512, 4), 512);
  EXPECT_EQ(pace.written_cost(), 2);
}

TEST(PaceTest, PromptsFillTheTimeThatWritersLeave) {
  Pace pace(50);
  for (int i = 0; i < 100; i++) {
    pace.observe(0, 4, 20);
    pace.observe(200, 0, 100);
  }
  EXPECT_NEAR(static_cast<double>(pace.prompt_rows_max(512, 4)), 60, 1);  // (50 - 20) / 0.5
  EXPECT_EQ(pace.prompt_rows_max(40, 4), 40);
  EXPECT_EQ(pace.prompt_rows_max(512, 0), 512);  // nobody waits for a token
  EXPECT_NEAR(pace.written_cost(), 10, 0.1);
}

TEST(PaceTest, StepsOfBothTellWhatReadingAdds) {
  Pace pace(100);
  for (int i = 0; i < 100; i++) {
    pace.observe(0, 1, 20);
    pace.observe(100, 1, 70);
  }
  EXPECT_NEAR(static_cast<double>(pace.prompt_rows_max(512, 1)), 160, 1);
}

TEST(PaceTest, WhoReadsNeverStandsStill) {
  Pace pace(10);
  for (int i = 0; i < 100; i++) {
    pace.observe(0, 1, 20);
    pace.observe(100, 0, 100);
  }
  EXPECT_EQ(pace.prompt_rows_max(512, 1), 16);
  EXPECT_EQ(pace.prompt_rows_max(8, 1), 8);
}

TEST(PaceTest, NonsenseTeachesNothing) {
  Pace pace(10);
  pace.observe(100, 0, -1);
  pace.observe(0, 0, 5);
  pace.observe(100, 0, 0);
  EXPECT_EQ(pace.prompt_rows_max(512, 1), 512);
}

}  // namespace
}  // namespace troika
