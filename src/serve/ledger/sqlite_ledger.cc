#include "serve/ledger/sqlite_ledger.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "core/file_lock.h"
#include "serve/ledger/ledger_sql.h"
#include "serve/ledger/sqlite.h"

namespace troika::serve {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kFoldRowsMax = 5000;  // at once: a server that commits meanwhile waits for less

// Rows at work are found without looking through those that ended.
constexpr char kMakeRequests[] = R"(
  CREATE TABLE IF NOT EXISTS troika_requests(
    number INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL, tenant TEXT NOT NULL,
    key_id TEXT NOT NULL, model TEXT NOT NULL, route TEXT NOT NULL, started_ms INTEGER NOT NULL,
    reserved_tokens INTEGER NOT NULL, reserved_second INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL DEFAULT 0, cached_tokens INTEGER NOT NULL DEFAULT 0,
    answer_tokens INTEGER NOT NULL DEFAULT 0, drafts_proposed INTEGER NOT NULL DEFAULT 0,
    drafts_accepted INTEGER NOT NULL DEFAULT 0, outcome TEXT, ended_ms INTEGER);
  CREATE INDEX IF NOT EXISTS troika_requests_started ON troika_requests(started_ms);
  CREATE INDEX IF NOT EXISTS troika_requests_open ON troika_requests(number)
    WHERE outcome IS NULL)";

constexpr char kInsert[] = R"(
  INSERT OR IGNORE INTO troika_requests(number, request, tenant, key_id, model, route, started_ms,
                                        reserved_tokens, reserved_second)
  VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?))";

constexpr char kUpdate[] = R"(
  UPDATE troika_requests SET
    prompt_tokens = max(prompt_tokens, ?), cached_tokens = max(cached_tokens, ?),
    answer_tokens = max(answer_tokens, ?), drafts_proposed = max(drafts_proposed, ?),
    drafts_accepted = max(drafts_accepted, ?), outcome = ?, ended_ms = ?
  WHERE number = ? AND outcome IS NULL)";

class SqliteLedger final : public Ledger {
 public:
  SqliteLedger(SqliteDatabase database, std::optional<FileLock> lock)
      : lock_(std::move(lock)), database_(std::move(database)) {}

  Status prepare_to_write();
  Status prepare_to_read();

  LedgerNumber new_number() override { return static_cast<LedgerNumber>(next_number_++); }
  Status commit(const LedgerBatch& batch) override;
  Result<std::vector<UsageTotal>> totals(const UsageQuery& query) override;
  Status records(const UsageQuery& query,
                 const std::function<void(const UsageRecord&)>& record) override;
  Result<int64_t> fold(int64_t before_ms) override;

 private:
  Status write(const LedgerBatch& batch);
  Result<int64_t> fold_some(int64_t before_ms);
  Status transaction(const std::function<Status()>& work);

  std::optional<FileLock> lock_;  // of the one that writes
  std::mutex mutex_;
  SqliteDatabase database_;
  SqliteStatement begin_, end_, undo_, insert_, update_;
  std::atomic<int64_t> next_number_ = 1;
};

void bind_query(SqliteStatement& statement, const UsageQuery& query) {
  statement.bind(0, query.from_ms);
  statement.bind(1, query.to_ms);
  statement.bind(2, query.tenant);
}

TokenUsage usage_at(const SqliteStatement& row, int column) {
  return {row.integer(column), row.integer(column + 1), row.integer(column + 2),
          row.integer(column + 3), row.integer(column + 4)};
}

Status SqliteLedger::prepare_to_write() {
  TROIKA_RETURN_IF_ERROR(database_.run(std::string(kMakeRequests) + ";" + kMakeDays));
  TROIKA_RETURN_IF_ERROR(database_.run(fmt::format("PRAGMA user_version = {}", kLedgerVersion)));
  TROIKA_RETURN_IF_ERROR(database_.run(
      fmt::format("UPDATE troika_requests SET outcome = '{}', ended_ms = {} WHERE outcome IS NULL",
                  outcome_name(Outcome::interrupted), unix_time_ms())));
  TROIKA_TRY(begin_, database_.prepare("BEGIN IMMEDIATE"));
  TROIKA_TRY(end_, database_.prepare("COMMIT"));
  TROIKA_TRY(undo_, database_.prepare("ROLLBACK"));
  TROIKA_TRY(insert_, database_.prepare(kInsert));
  TROIKA_TRY(update_, database_.prepare(kUpdate));
  TROIKA_TRY(SqliteStatement last, database_.prepare("SELECT COALESCE(max(seq), 0) FROM "
                                                     "sqlite_sequence WHERE name = "
                                                     "'troika_requests'"));
  TROIKA_TRY(const bool row, last.next());
  if (row) next_number_ = last.integer(0) + 1;
  return ok();
}

Status SqliteLedger::prepare_to_read() {
  TROIKA_TRY(begin_, database_.prepare("BEGIN IMMEDIATE"));
  TROIKA_TRY(end_, database_.prepare("COMMIT"));
  TROIKA_TRY(undo_, database_.prepare("ROLLBACK"));
  return ok();
}

Status SqliteLedger::transaction(const std::function<Status()>& work) {
  TROIKA_RETURN_IF_ERROR(begin_.run());
  Status status = work();
  if (status.ok()) status = end_.run();
  if (!status.ok())
    (void)undo_.run();  // SQLite may have done so; then this says that there is none
  return status;
}

Status SqliteLedger::write(const LedgerBatch& batch) {
  for (const LedgerOpening& opening : batch.openings) {
    insert_.bind(0, static_cast<int64_t>(opening.number));
    insert_.bind(1, opening.request);
    insert_.bind(2, opening.tenant);
    insert_.bind(3, opening.key);
    insert_.bind(4, opening.model);
    insert_.bind(5, opening.route);
    insert_.bind(6, opening.started_ms);
    insert_.bind(7, opening.reserved_tokens);
    insert_.bind(8, opening.reserved_second);
    TROIKA_RETURN_IF_ERROR(insert_.run());
  }
  for (const LedgerUpdate& update : batch.updates) {
    update_.bind(0, update.usage.prompt_tokens);
    update_.bind(1, update.usage.cached_tokens);
    update_.bind(2, update.usage.answer_tokens);
    update_.bind(3, update.usage.drafts_proposed);
    update_.bind(4, update.usage.drafts_accepted);
    if (update.outcome) {
      update_.bind(5, outcome_name(*update.outcome));
      update_.bind(6, update.ended_ms);
    } else {
      update_.bind_null(5);
      update_.bind_null(6);
    }
    update_.bind(7, static_cast<int64_t>(update.number));
    TROIKA_RETURN_IF_ERROR(update_.run());
  }
  return ok();
}

Status SqliteLedger::commit(const LedgerBatch& batch) {
  const std::lock_guard lock(mutex_);
  if (!lock_) return fail(ErrorCode::unsupported, "this ledger was opened for reading");
  return transaction([&] { return write(batch); });
}

Result<std::vector<UsageTotal>> SqliteLedger::totals(const UsageQuery& query) {
  const std::lock_guard lock(mutex_);
  TROIKA_TRY(SqliteStatement row, database_.prepare(kSelectTotals));
  bind_query(row, query);
  std::vector<UsageTotal> totals;
  TROIKA_TRY(bool found, row.next());
  while (found) {
    totals.push_back(
        {day_of(row.integer(0)), row.text(1), row.text(2), row.integer(3), usage_at(row, 4)});
    TROIKA_TRY(found, row.next());
  }
  return totals;
}

Status SqliteLedger::records(const UsageQuery& query,
                             const std::function<void(const UsageRecord&)>& record) {
  const std::lock_guard lock(mutex_);
  TROIKA_TRY(SqliteStatement row, database_.prepare(kSelectRecords));
  bind_query(row, query);
  TROIKA_TRY(bool found, row.next());
  while (found) {
    record({.opening = {.request = row.text(0),
                        .tenant = row.text(1),
                        .key = row.text(2),
                        .model = row.text(3),
                        .route = row.text(4),
                        .started_ms = row.integer(5),
                        .reserved_tokens = row.integer(6),
                        .reserved_second = row.integer(7)},
            .usage = usage_at(row, 8),
            .outcome = row.text(13),
            .ended_ms = row.integer(14)});
    TROIKA_TRY(found, row.next());
  }
  return ok();
}

/// The oldest of them, kFoldRowsMax at most. @return  how many.
Result<int64_t> SqliteLedger::fold_some(int64_t before_ms) {
  const std::lock_guard lock(mutex_);
  const std::string which = fmt::format(
      " FROM troika_requests WHERE number IN (SELECT number FROM troika_requests WHERE outcome IS "
      "NOT NULL AND started_ms < $1 ORDER BY started_ms, number LIMIT {})",
      kFoldRowsMax);
  TROIKA_TRY(SqliteStatement add, database_.prepare(fmt::format(
                                      "INSERT INTO troika_days SELECT {} {} GROUP BY 1, 2, 3 {}",
                                      kDaySums, which, kAddToDays)));
  TROIKA_TRY(SqliteStatement remove, database_.prepare("DELETE" + which));
  int64_t folded = 0;
  const Status done = transaction([&]() -> Status {
    add.bind(0, before_ms);
    TROIKA_RETURN_IF_ERROR(add.run());
    remove.bind(0, before_ms);
    TROIKA_RETURN_IF_ERROR(remove.run());
    folded = database_.changes();
    return ok();
  });
  TROIKA_RETURN_IF_ERROR(done);
  return folded;
}

Result<int64_t> SqliteLedger::fold(int64_t before_ms) {
  int64_t folded = 0;
  for (int64_t some = kFoldRowsMax; some == kFoldRowsMax; folded += some) {
    TROIKA_TRY(some, fold_some(before_ms - before_ms % kDayMs));
  }
  return folded;
}

/// Refuses what is no ledger of this version. @param make  an empty file is one.
Status check_version(SqliteDatabase& database, const std::string& path, bool make) {
  TROIKA_TRY(SqliteStatement version, database.prepare("PRAGMA user_version"));
  TROIKA_TRY(SqliteStatement tables, database.prepare("SELECT count(*) FROM sqlite_master"));
  TROIKA_TRY(bool row, version.next());
  const int64_t found = row ? version.integer(0) : 0;
  TROIKA_TRY(row, tables.next());
  const bool is_empty = !row || tables.integer(0) == 0;
  if (found == kLedgerVersion || (make && is_empty && found == 0)) return ok();
  return fail(ErrorCode::corrupt, "{}: a database of version {}, wanted a ledger of version {}",
              path, found, kLedgerVersion);
}

}  // namespace

Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::string& path,
                                                   const SqliteLedgerOptions& options) {
  Result<FileLock> lock = FileLock::try_take(path + "-owner");
  if (!lock.ok() && lock.error().code() == ErrorCode::exhausted)
    return fail(ErrorCode::invalid_argument, "{}: another server writes this ledger", path);
  if (!lock.ok()) return std::move(lock).error();
  TROIKA_TRY(SqliteDatabase database, SqliteDatabase::open(path, SqliteDatabase::Mode::create));
  TROIKA_RETURN_IF_ERROR(check_version(database, path, true));
  TROIKA_RETURN_IF_ERROR(database.run("PRAGMA journal_mode = WAL"));
  TROIKA_RETURN_IF_ERROR(
      database.run(fmt::format("PRAGMA synchronous = {}", options.power_safe ? "FULL" : "NORMAL")));
  auto ledger = std::make_unique<SqliteLedger>(std::move(database), std::move(*lock));
  TROIKA_RETURN_IF_ERROR(ledger->prepare_to_write());
  return std::unique_ptr<Ledger>(std::move(ledger));
}

Result<std::unique_ptr<Ledger>> view_sqlite_ledger(const std::string& path) {
  TROIKA_TRY(SqliteDatabase database, SqliteDatabase::open(path, SqliteDatabase::Mode::existing));
  TROIKA_RETURN_IF_ERROR(check_version(database, path, false));
  auto ledger = std::make_unique<SqliteLedger>(std::move(database), std::nullopt);
  TROIKA_RETURN_IF_ERROR(ledger->prepare_to_read());
  return std::unique_ptr<Ledger>(std::move(ledger));
}

}  // namespace troika::serve
