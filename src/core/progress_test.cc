#include "core/progress.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace troika {
namespace {

class ProgressTest : public ::testing::Test {
 protected:
  Progress make() {
    return {[this](std::string_view text) { drawn_.emplace_back(text); },
            [this] { return now_ms_; }};
  }
  std::vector<std::string> drawn_;
  int64_t now_ms_ = 5000;
};

TEST_F(ProgressTest, DrawsTheShareAfterTheDelayAndErasesAtTheEnd) {
  Progress progress = make();
  progress.show("reading", 10, 200);
  EXPECT_TRUE(drawn_.empty());
  now_ms_ += Progress::kDelayMs;
  progress.show("reading", 100, 200);
  ASSERT_EQ(drawn_.size(), 1u);
  EXPECT_EQ(drawn_[0], "\r\x1b[Kreading [============            ]  50 %");
  progress.finish();
  ASSERT_EQ(drawn_.size(), 2u);
  EXPECT_EQ(drawn_[1], "\r\x1b[K");
}

TEST_F(ProgressTest, DrawsNoFasterThanItsInterval) {
  Progress progress = make();
  for (int i = 0; i <= 1000; i++) {
    progress.show("reading", i, 1000);
    now_ms_++;
  }
  EXPECT_EQ(drawn_.size(), 8u);  // at 300, 400 … 1000 ms
}

TEST(ProgressReportTest, EveryCallIsPassedOnAndNothingIsDrawn) {
  std::vector<int64_t> done;
  Progress progress([&](std::string_view what, int64_t at, int64_t total) {
    EXPECT_EQ(what, "reading");
    EXPECT_EQ(total, 10);
    done.push_back(at);
  });
  EXPECT_FALSE(progress.shows());
  for (int64_t at : {0, 5, 10}) progress.show("reading", at, 10);
  EXPECT_EQ(done, (std::vector<int64_t>{0, 5, 10}));
}

TEST_F(ProgressTest, QuickWorkDrawsNothing) {
  Progress progress = make();
  progress.show("reading", 0, 10);
  progress.show("reading", 10, 10);
  progress.finish();
  EXPECT_TRUE(drawn_.empty());
}

TEST_F(ProgressTest, SharesOutsideTheWholeAreClamped) {
  Progress progress = make();
  progress.show("reading", 0, 10);
  now_ms_ += 1000;
  progress.show("reading", 25, 10);
  now_ms_ += 1000;
  progress.show("reading", -25, 10);
  EXPECT_EQ(drawn_.at(0), "\r\x1b[Kreading [========================] 100 %");
  EXPECT_EQ(drawn_.at(1), "\r\x1b[Kreading [                        ]   0 %");
}

TEST_F(ProgressTest, NewWorkErasesTheOldAndWaitsAgain) {
  Progress progress = make();
  progress.show("reading", 0, 10);
  now_ms_ += 1000;
  progress.show("reading", 10, 10);
  progress.show("importing", 0, 10);
  ASSERT_EQ(drawn_.size(), 2u);
  EXPECT_EQ(drawn_[1], "\r\x1b[K");
  now_ms_ += 1000;
  progress.show("importing", 0, 10);
  EXPECT_EQ(drawn_.at(2), "\r\x1b[Kimporting [                        ]   0 %");
}

TEST_F(ProgressTest, LeavingTheScopeErases) {
  {
    Progress progress = make();
    progress.show("reading", 0, 10);
    now_ms_ += 1000;
    progress.show("reading", 5, 10);
  }
  ASSERT_EQ(drawn_.size(), 2u);
  EXPECT_EQ(drawn_[1], "\r\x1b[K");
}

TEST_F(ProgressTest, NoTotalIsNoWork) {
  Progress progress = make();
  progress.show("reading", 0, 0);
  now_ms_ += 1000;
  progress.show("reading", 0, 0);
  progress.finish();
  EXPECT_TRUE(drawn_.empty());
}

TEST(SilentProgress, ShowsNothing) {
  Progress silent;
  EXPECT_FALSE(silent.shows());
  silent.show("reading", 1, 2);
  silent.finish();
}

TEST(ProgressOnAStream, OnlyATerminalShowsIt) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_FALSE(Progress::on(file).shows());
  std::fclose(file);

  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0) GTEST_SKIP() << "no pseudo-terminals here";
  std::FILE* stream = fdopen(terminal, "w");
  ASSERT_NE(stream, nullptr);
  EXPECT_TRUE(Progress::on(stream).shows());
  std::fclose(stream);
}

}  // namespace
}  // namespace troika
