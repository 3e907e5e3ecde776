// What is in the ledger when a process dies between two steps, or in one: never less than it had
// told, and at most one step more.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <vector>

#include "serve/ledger/sqlite_ledger.h"
#include "serve/ledger/step_ledger.h"

namespace troika::serve {
namespace {

constexpr int kStreams = 20;

/// What the client of one stream heard: in one write, so whole or not at all.
struct Heard {
  int32_t stream = 0;
  int32_t tokens = 0;
};

/// A server that commits each step, then tells it, and begins again those that ended.
[[noreturn]] void serve_until_killed(const std::string& path, int descriptor) {
  const auto ledger = open_sqlite_ledger(path);
  if (!ledger.ok()) _exit(1);
  StepLedger steps(**ledger);
  std::array<LedgerNumber, kStreams> rows{};
  std::array<int32_t, kStreams> tokens{};
  std::array<int32_t, kStreams> streams{};
  int32_t next = 0;
  for (int64_t step = 0;; step++) {
    std::vector<LedgerUpdate> updates;
    std::array<Heard, kStreams> heard;
    for (size_t i = 0; i < kStreams; i++) {
      if (tokens[i] == 0) {
        streams[i] = next++;
        rows[i] = *steps.open({.request = std::to_string(streams[i]),
                               .tenant = "t",
                               .model = "m",
                               .route = "/",
                               .started_ms = step});
      }
      const bool ends = ++tokens[i] == 40 + static_cast<int32_t>(i);
      LedgerUpdate update{rows[i], {7, 0, tokens[i], 0, 0}, {}, 0};
      if (ends) update.outcome = Outcome::stop;
      updates.push_back(update);
      heard[i] = {streams[i], tokens[i]};
      if (ends) tokens[i] = 0;
    }
    if (!steps.commit_step(std::move(updates)).ok()) _exit(2);
    if (write(descriptor, heard.data(), sizeof(heard)) != sizeof(heard)) _exit(3);
  }
}

std::map<int32_t, int32_t> hear_until_end(int descriptor, int64_t steps, pid_t child) {
  std::map<int32_t, int32_t> heard;
  Heard one;
  int64_t count = 0;
  while (read(descriptor, &one, sizeof(one)) == sizeof(one)) {
    heard[one.stream] = std::max(heard[one.stream], one.tokens);
    if (++count == steps * kStreams) kill(child, SIGKILL);
  }
  return heard;
}

TEST(LedgerCrash, NeverBelowWhatWasTold) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / fmt::format("troika_crash_{}", getpid());
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "ledger.db").string();
  for (const int64_t steps : {1, 7, 100, 333}) {
    std::filesystem::remove(path);
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(ends[0]);
      serve_until_killed(path, ends[1]);
    }
    close(ends[1]);
    const std::map<int32_t, int32_t> heard = hear_until_end(ends[0], steps, child);
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));

    const auto ledger = open_sqlite_ledger(path);
    ASSERT_TRUE(ledger.ok()) << ledger.error().message();
    std::map<int32_t, UsageRecord> records;
    ASSERT_TRUE(
        (*ledger)
            ->records({},
                      [&](const UsageRecord& record) {
                        EXPECT_TRUE(
                            records.emplace(std::stoi(record.opening.request), record).second);
                      })
            .ok());
    int interrupted = 0;
    for (const auto& [stream, tokens] : heard) {
      ASSERT_TRUE(records.contains(stream));
      const UsageRecord& record = records[stream];
      EXPECT_GE(record.usage.answer_tokens, tokens);
      EXPECT_LE(record.usage.answer_tokens, tokens + 1);
      EXPECT_EQ(record.usage.prompt_tokens, 7);
      EXPECT_NE(record.outcome, "");
      interrupted += record.outcome == "interrupted" ? 1 : 0;
    }
    EXPECT_GE(interrupted, 1);
    EXPECT_LE(interrupted, kStreams);
    EXPECT_LE(records.size(), heard.size() + kStreams);  // a step that nobody heard of
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace troika::serve
