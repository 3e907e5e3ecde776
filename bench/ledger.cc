// A step's commit to the ledger, by rows that it updates: 1, 100 and 1,000 streams in a step, each
// named once. write_ms: what this machine takes to write to a plain file, without a flush, the
// bytes that a commit writes at least (the pages of the rows).
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "serve/ledger/sqlite_ledger.h"

namespace troika::serve {
namespace {

constexpr int64_t kRowBytes = 110;  // of a row with short names, as SQLite stores it

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / fmt::format("ledger_{}", getpid())) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// Seconds to write so many bytes to a file, the least of ten times.
double write_s(const std::string& path, int64_t bytes) {
  const std::vector<char> data(static_cast<size_t>(bytes), 'x');
  double best = 1e9;
  for (int i = 0; i < 10; i++) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const auto start = std::chrono::steady_clock::now();
    const bool written = write(file, data.data(), data.size()) == bytes;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    close(file);
    if (written) best = std::min(best, took.count());
  }
  return best;
}

void commit_step(benchmark::State& state) {
  const int64_t rows = state.range(0);
  const Folder folder;
  const auto ledger =
      *open_sqlite_ledger(folder / "ledger.db", {.power_safe = state.range(1) != 0});
  LedgerBatch batch;
  for (int64_t i = 0; i < rows; i++) {
    const LedgerNumber number = ledger->new_number();
    batch.openings.push_back({.number = number,
                              .request = fmt::format("chatcmpl-{:024}", i),
                              .tenant = fmt::format("tenant-{}", i % 32),
                              .key = "ba7816bf",
                              .model = "demo",
                              .route = "/v1/chat/completions",
                              .started_ms = unix_time_ms()});
    batch.updates.push_back({number, {100, 0, 0, 0, 0}, {}, 0});
  }
  if (!ledger->commit(batch).ok()) state.SkipWithError("no commit");
  batch.openings.clear();
  for (auto _ : state) {
    for (LedgerUpdate& update : batch.updates) update.usage.answer_tokens++;
    if (!ledger->commit(batch).ok()) state.SkipWithError("no commit");
  }
  const int64_t bytes = (rows * kRowBytes / 4096 + 1) * 4096;
  state.counters["rows/s"] =
      benchmark::Counter(static_cast<double>(rows), benchmark::Counter::kIsIterationInvariantRate);
  state.counters["write_ms"] = write_s(folder / "plain", bytes) * 1000;
}
BENCHMARK(commit_step)
    ->ArgNames({"rows", "power_safe"})
    ->ArgsProduct({{1, 100, 1000}, {0, 1}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace troika::serve
