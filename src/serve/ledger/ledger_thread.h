// A ledger behind a thread of its own: the engine hands over what a step did and goes on; bytes are
// released when it is committed. Steps that pile up meanwhile become one commit, so a slow disk
// costs latency and no steps.
//
//   engine's thread ── step(updates, then) ── queue ── commit ── then(status): send the bytes
//   any thread ─────── open(request) ─────────┘
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/result.h"
#include "serve/ledger/ledger.h"

namespace troika::serve {

struct LedgerThreadOptions {
  int64_t steps_max = 64;  // that wait; step() waits for a place beyond
  /// Told of each commit: rows and seconds. On the ledger's thread.
  std::function<void(int64_t rows, double seconds)> on_commit;
};

class LedgerThread {
 public:
  /// Called on the ledger's thread, in the order of the steps. Not ok: the batch could not be
  /// written, also when tried again: what it stands for must not be sent.
  using Then = std::function<void(const Status&)>;

  /// @param ledger  borrowed.
  LedgerThread(Ledger& ledger, LedgerThreadOptions options);
  /// Commits all that was handed over, calls what waits, and joins.
  ~LedgerThread();
  LedgerThread(const LedgerThread&) = delete;
  LedgerThread& operator=(const LedgerThread&) = delete;

  /// Takes a row for a request that begins; it is written with the next commit, before any step
  /// that names it. `opening.number` is given here. Thread: any.
  LedgerNumber open(LedgerOpening opening);

  /// Takes what a step did. Without `updates`, `then` is called when all before it is committed.
  /// Waits while steps_max are before it. Thread: any; the engine's, once a step.
  void step(std::vector<LedgerUpdate> updates, Then then);

  /// Returns when all that was handed over before is committed. Errors: of the last commit.
  Status flush();

 private:
  void run();
  Status commit(const LedgerBatch& batch);

  Ledger& ledger_;
  const LedgerThreadOptions options_;
  std::mutex mutex_;  // guards the next five
  std::condition_variable wake_, room_;
  LedgerBatch waiting_;
  std::vector<Then> then_;  // of the waiting steps
  int64_t steps_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace troika::serve
