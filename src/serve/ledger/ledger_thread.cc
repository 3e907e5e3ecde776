#include "serve/ledger/ledger_thread.h"

#include <chrono>
#include <iterator>
#include <utility>

namespace troika::serve {

LedgerThread::LedgerThread(Ledger& ledger, LedgerThreadOptions options)
    : ledger_(ledger), options_(std::move(options)), thread_([this] { run(); }) {}

LedgerThread::~LedgerThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

LedgerNumber LedgerThread::open(LedgerOpening opening) {
  opening.number = ledger_.new_number();
  const LedgerNumber number = opening.number;
  {
    const std::lock_guard lock(mutex_);
    waiting_.openings.push_back(std::move(opening));
  }
  wake_.notify_one();
  return number;
}

void LedgerThread::step(std::vector<LedgerUpdate> updates, Then then) {
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return steps_ < options_.steps_max; });
    steps_++;
    then_.push_back(std::move(then));
    waiting_.updates.insert(waiting_.updates.end(), std::make_move_iterator(updates.begin()),
                            std::make_move_iterator(updates.end()));
  }
  wake_.notify_one();
}

Status LedgerThread::flush() {
  std::mutex done_mutex;
  std::condition_variable done;
  bool finished = false;
  Status result = ok();
  step({}, [&](const Status& status) {
    const std::lock_guard lock(done_mutex);
    result = status;
    finished = true;
    done.notify_one();
  });
  std::unique_lock lock(done_mutex);
  done.wait(lock, [&] { return finished; });
  return result;
}

Status LedgerThread::commit(const LedgerBatch& batch) {
  const auto rows = std::ssize(batch.openings) + std::ssize(batch.updates);
  if (rows == 0) return ok();
  const auto start = std::chrono::steady_clock::now();
  Status status = ledger_.commit(batch);
  if (!status.ok()) status = ledger_.commit(batch);  // a full disk or a lost connection may be over
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (options_.on_commit) options_.on_commit(rows, took.count());
  return status;
}

void LedgerThread::run() {
  LedgerBatch batch;
  std::vector<Then> then;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !then_.empty() || !waiting_.openings.empty(); });
      if (then_.empty() && waiting_.openings.empty()) return;
      std::swap(batch, waiting_);
      std::swap(then, then_);
      steps_ = 0;
    }
    room_.notify_all();
    const Status status = commit(batch);
    // Rows that could not be written are tried again with the next step, so that none is lost.
    if (!status.ok() && !batch.openings.empty()) {
      const std::lock_guard lock(mutex_);
      waiting_.openings.insert(waiting_.openings.begin(),
                               std::make_move_iterator(batch.openings.begin()),
                               std::make_move_iterator(batch.openings.end()));
    }
    for (const Then& done : then) done(status);
    batch.openings.clear();
    batch.updates.clear();
    then.clear();
  }
}

}  // namespace troika::serve
