// The ledger as a server's requests use it: rows are opened by whoever admits, and written with the
// next step's usage in one commit.
//
//   any thread ───────── open(request) ──┐
//   delivery's thread ── commit_step(updates of all requests of the step) ── then bytes go out
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "serve/ledger/ledger.h"

namespace troika::serve {

inline constexpr int64_t kOpenedRowsMax = 1 << 16;  // that wait for a ledger that does not answer

class StepLedger {
 public:
  /// @param ledger  borrowed.
  /// @param on_commit  told of each commit: rows, seconds, and what became of it. May be empty.
  using OnCommit = std::function<void(int64_t rows, double seconds, const Status& status)>;
  explicit StepLedger(Ledger& ledger, OnCommit on_commit = {})
      : ledger_(ledger), on_commit_(std::move(on_commit)) {}

  /// Takes a row for a request that begins; it is written by the next commit_step(). The number is
  /// given here. Thread: any. Errors: exhausted — so many rows could not be written that no more
  /// are taken: the request must not begin.
  Result<LedgerNumber> open(LedgerOpening opening);

  /// Writes what a step did, once more if the first time fails. Thread: one at a time.
  /// Errors: those of Ledger::commit(): what the step did must not be told. What was to be written
  /// stays and comes with the next step.
  Status commit_step(std::vector<LedgerUpdate> updates);

 private:
  Ledger& ledger_;
  const OnCommit on_commit_;
  std::unordered_map<LedgerNumber, LedgerUpdate> unwritten_;  // of commits that failed
  std::mutex mutex_;                                          // guards the next
  std::vector<LedgerOpening> opened_;
};

}  // namespace troika::serve
