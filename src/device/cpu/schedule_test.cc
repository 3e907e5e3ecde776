#include "device/cpu/schedule.h"

#include <gtest/gtest.h>

namespace troika::cpu {
namespace {

class NoStep final : public RowStep {
  void run(const Step&, int64_t) const override {}
};

class NoJob final : public Job {
  int64_t items(const Step&) const override { return 0; }
  void run(const Step&, int64_t, int64_t, int) const override {}
};

std::unique_ptr<RowStep> row_step() {
  return std::make_unique<NoStep>();
}
std::unique_ptr<Job> job() {
  return std::make_unique<NoJob>();
}

TEST(ScheduleTest, RowStepsOfTheSameRowsChain) {
  Schedule s(3, 0);
  s.add_row_step(Rows::tokens, row_step(), {.writes = {0}});
  s.add_row_step(Rows::tokens, row_step(), {.reads = {0}, .writes = {1}});
  s.add_row_step(Rows::outputs, row_step(), {.reads = {1}, .writes = {2}});  // other rows: waits
  const auto lives = s.lives();
  EXPECT_EQ(lives[0].last, 0);
  EXPECT_EQ(lives[1].last, 1);
  EXPECT_EQ(lives[2].first, 1);
  EXPECT_EQ(s.take_phases().size(), 2u);
}

TEST(ScheduleTest, JobsWaitForWhatTheyReadAndForNothingElse) {
  Schedule s(4, 0);
  s.add_row_step(Rows::tokens, row_step(), {.writes = {0}});
  s.add_job(job(), {.reads = {0}, .writes = {1}});
  s.add_job(job(), {.reads = {0}, .writes = {2}});
  s.add_row_step(Rows::tokens, row_step(), {.reads = {1, 2}, .writes = {3}});
  const auto phases = s.take_phases();
  ASSERT_EQ(phases.size(), 3u);
  EXPECT_EQ(phases[1].jobs.size(), 2u);
}

TEST(ScheduleTest, ASlotIsThereWhenItsLastWriterHasRun) {
  Schedule s(2, 0);
  s.add_job(job(), {.writes = {0}});
  s.add_job(job(), {.writes = {0, 1}});
  const Slot partial = s.add_slot(10);
  s.add_job(job(), {.reads = {1}, .writes = {0, partial}});
  s.add_job(job(), {.reads = {0}});
  EXPECT_EQ(s.lives()[0].first, 0);
  EXPECT_EQ(s.lives()[0].last, 2);
  EXPECT_EQ(s.take_phases().size(), 3u);
}

TEST(ScheduleTest, StatesAreReadAfterTheyWereWrittenAndWrittenAfterTheyWereRead) {
  Schedule s(0, 1);
  s.add_job(job(), {.state_read = {0}});
  s.add_row_step(Rows::tokens, row_step(), {.state_written = {0}});
  s.add_row_step(Rows::tokens, row_step(), {.state_read = {0}});
  s.add_job(job(), {.state_read = {0}});
  EXPECT_EQ(s.take_phases().size(), 3u);
}

TEST(ScheduleTest, ReadingTooEarlyIsNamed) {
  for (const Slot slot : {-1, 1, 2}) {
    Schedule s(2, 0);
    s.add_job(job(), {.writes = {0}});
    EXPECT_TRUE(s.check().ok());
    s.add_job(job(), {.reads = {0, slot}});
    ASSERT_FALSE(s.check().ok());
    EXPECT_NE(s.check().error().message().find(std::to_string(slot)), std::string::npos);
  }
}

}  // namespace
}  // namespace troika::cpu
