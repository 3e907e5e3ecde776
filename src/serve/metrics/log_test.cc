#include "serve/metrics/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

namespace troika::serve {
namespace {

TEST(Log, LinesAreJson) {
  const std::string line =
      log_line(1'700'000'000'042, LogLevel::warning, "a \"b\"\n\x01",
               {{"request", "r1"}, {"tokens", int64_t{7}}, {"ms", 1.5}, {"cached", true}});
  EXPECT_EQ(line,
            "{\"time\":\"2023-11-14T22:13:20.042Z\",\"level\":\"warning\",\"message\":"
            "\"a \\\"b\\\"\\u000a\\u0001\",\"request\":\"r1\",\"tokens\":7,\"ms\":1.5,"
            "\"cached\":true}\n");
}

TEST(Log, WhateverIsSaidIsOneLineOfUtf8) {
  for (const std::string& text :
       {std::string("\xff\xfe\x80"), std::string("\xed\xa0\x80"), std::string("\xf0\x9f\x90"),
        std::string("\xc0\xaf"), std::string("a\0b", 3), std::string(10'000, 'x'),
        std::string("\xe2\x82\xac"), std::string("\xf0\x9f\x90\xb4")}) {
    const std::string line = log_line(0, LogLevel::info, text, {{"x", text}});
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_LT(line.size(), 3 * kLogTextBytesMax);
    const auto parsed = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(parsed.is_object()) << line;
    EXPECT_EQ(parsed["x"], parsed["message"]);
  }
  EXPECT_NE(log_line(0, LogLevel::info, "\xe2\x82\xac", {}).find("\xe2\x82\xac"),
            std::string::npos);
  EXPECT_NE(log_line(0, LogLevel::info, "", {{"x", 1.0 / 0.0}}).find("\"x\":null"),
            std::string::npos);
}

class LogFile : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe(ends_), 0); }
  void TearDown() override {
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }
  std::string rest() {
    close(ends_[1]);
    ends_[1] = -1;
    std::string text;
    char bytes[4096];
    ssize_t count = 0;
    while ((count = read(ends_[0], bytes, sizeof(bytes))) > 0)
      text.append(bytes, static_cast<size_t>(count));
    return text;
  }
  int ends_[2] = {-1, -1};
};

TEST_F(LogFile, ThreadsDoNotMixTheirLines) {
  {
    Log log({.level = LogLevel::info, .descriptor = ends_[1], .clock_ms = [] { return 0; }});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 50; i++) log.info("line", {{"thread", t}});
        log.debug("not this");
      });
    for (std::thread& thread : threads) thread.join();
    log.flush();
  }
  const std::string text = rest();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 200);
  EXPECT_EQ(text.find("not this"), std::string::npos);
}

TEST_F(LogFile, AReaderThatSleepsHoldsNobodyUp) {
  fcntl(ends_[1], F_SETPIPE_SZ, 4096);
  {
    Log log({.lines_max = 100, .descriptor = ends_[1]});
    for (int i = 0; i < 10'000; i++) log.info("nobody reads this yet");
    EXPECT_GT(log.lines_dropped(), 0);
    // Lets the writer go on, so that the log can end.
    std::thread reader([&] {
      char bytes[4096];
      ssize_t count = 0;
      do {
        count = read(ends_[0], bytes, sizeof(bytes));
      } while (count > 0 && bytes[count - 1] != 'x');  // which no line has
    });
    log.flush();
    EXPECT_EQ(write(ends_[1], "x", 1), 1);
    reader.join();
  }
}

}  // namespace
}  // namespace troika::serve
