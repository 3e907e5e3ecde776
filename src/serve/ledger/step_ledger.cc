#include "serve/ledger/step_ledger.h"

#include <chrono>
#include <iterator>
#include <utility>

namespace troika::serve {

LedgerNumber StepLedger::open(LedgerOpening opening) {
  opening.number = ledger_.new_number();
  const LedgerNumber number = opening.number;
  const std::lock_guard lock(mutex_);
  opened_.push_back(std::move(opening));
  return number;
}

Status StepLedger::commit_step(std::vector<LedgerUpdate> updates) {
  LedgerBatch batch;
  batch.updates = std::move(updates);
  {
    const std::lock_guard lock(mutex_);
    batch.openings = std::exchange(opened_, {});
  }
  const int64_t rows = std::ssize(batch.openings) + std::ssize(batch.updates);
  if (rows == 0) return ok();
  const auto start = std::chrono::steady_clock::now();
  Status status = ledger_.commit(batch);
  if (!status.ok()) status = ledger_.commit(batch);  // a full disk or a lost connection may be over
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (!status.ok()) {
    const std::lock_guard lock(mutex_);
    opened_.insert(opened_.begin(), std::make_move_iterator(batch.openings.begin()),
                   std::make_move_iterator(batch.openings.end()));
  }
  if (on_commit_) on_commit_(rows, took.count(), status);
  return status;
}

}  // namespace troika::serve
