#include "serve/ledger/step_ledger.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace troika::serve {

Result<LedgerNumber> StepLedger::open(LedgerOpening opening) {
  opening.number = ledger_.new_number();
  const LedgerNumber number = opening.number;
  const std::lock_guard lock(mutex_);
  if (std::ssize(opened_) >= kOpenedRowsMax)
    return fail(ErrorCode::exhausted, "the ledger takes no rows: {} wait to be written",
                opened_.size());
  opened_.push_back(std::move(opening));
  return number;
}

Status StepLedger::commit_step(std::vector<LedgerUpdate> updates) {
  LedgerBatch batch;
  // Counts are totals: of what could not be written, the last of each row is enough.
  for (LedgerUpdate& update : updates) unwritten_.erase(update.number);
  for (auto& [number, update] : unwritten_) batch.updates.push_back(std::move(update));
  unwritten_.clear();
  std::ranges::move(updates, std::back_inserter(batch.updates));
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
    for (LedgerUpdate& update : batch.updates) unwritten_[update.number] = std::move(update);
    const std::lock_guard lock(mutex_);
    opened_.insert(opened_.begin(), std::make_move_iterator(batch.openings.begin()),
                   std::make_move_iterator(batch.openings.end()));
  }
  if (on_commit_) on_commit_(rows, took.count(), status);
  return status;
}

}  // namespace troika::serve
