#include "serve/ledger/postgres_ledger.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "serve/ledger/ledger_sql.h"
#include "serve/ledger/postgres.h"
#include "serve/ledger/postgres_schema.h"

namespace troika::serve {
namespace {

constexpr int64_t kDayMs = 86'400'000;

// All rows of a batch in one statement: arrays become rows. What is there already was written by
// the same batch, tried before.
constexpr char kInsert[] = R"(
  INSERT INTO troika_requests(replica, number, request, tenant, key_id, model, route, started_ms,
                              reserved_tokens, reserved_second)
  SELECT $1, * FROM unnest(CAST($2 AS BIGINT[]), CAST($3 AS TEXT[]), CAST($4 AS TEXT[]),
                           CAST($5 AS TEXT[]), CAST($6 AS TEXT[]), CAST($7 AS TEXT[]),
                           CAST($8 AS BIGINT[]), CAST($9 AS BIGINT[]), CAST($10 AS BIGINT[]))
  ON CONFLICT DO NOTHING)";

// A request may be named twice in a batch: the greatest counts hold, and its end.
constexpr char kUpdate[] = R"(
  UPDATE troika_requests AS r SET
    prompt_tokens = GREATEST(r.prompt_tokens, u.prompt),
    cached_tokens = GREATEST(r.cached_tokens, u.cached),
    answer_tokens = GREATEST(r.answer_tokens, u.answer),
    drafts_proposed = GREATEST(r.drafts_proposed, u.proposed),
    drafts_accepted = GREATEST(r.drafts_accepted, u.accepted),
    outcome = u.outcome, ended_ms = u.ended
  FROM (SELECT n, max(p) AS prompt, max(c) AS cached, max(a) AS answer, max(dp) AS proposed,
               max(da) AS accepted, max(NULLIF(o, '')) AS outcome, max(NULLIF(e, 0)) AS ended
        FROM unnest(CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]), CAST($4 AS BIGINT[]),
                    CAST($5 AS BIGINT[]), CAST($6 AS BIGINT[]), CAST($7 AS BIGINT[]),
                    CAST($8 AS TEXT[]), CAST($9 AS BIGINT[]))
             AS given(n, p, c, a, dp, da, o, e)
        GROUP BY n) AS u
  WHERE r.replica = $1 AND r.number = u.n AND r.outcome IS NULL)";

constexpr char kCloseOpen[] = R"(
  UPDATE troika_requests SET outcome = $2, ended_ms = $3
  WHERE replica = $1 AND outcome IS NULL
  RETURNING tenant, reserved_second, reserved_tokens, prompt_tokens + answer_tokens)";

// One statement, so that a request that ends meanwhile is either folded or stays.
constexpr char kFold[] = R"(
  WITH gone AS (DELETE FROM troika_requests
                WHERE outcome IS NOT NULL AND started_ms < CAST($1 AS BIGINT) RETURNING *),
       added AS (INSERT INTO troika_days SELECT {} FROM gone GROUP BY 1, 2, 3 {})
  SELECT count(*) FROM gone)";

// A server that lives holds the lock of its name, by its connection.
constexpr char kLockName[] = "SELECT pg_try_advisory_lock(1953656619, hashtext($1))";
constexpr char kUnlockName[] = "SELECT pg_advisory_unlock(1953656619, hashtext($1))";

Result<bool> try_lock(PostgresConnection& connection, const std::string& replica) {
  TROIKA_TRY(const PostgresRows rows, connection.run(kLockName, {replica}));
  return rows.count() == 1 && rows.text(0, 0) == "t";
}

/// Closes the rows that a server left open, and gives back what it had reserved.
Status close_open(PostgresConnection& connection, const std::string& replica) {
  return connection.transaction([&]() -> Status {
    TROIKA_TRY(const PostgresRows closed,
               connection.run(kCloseOpen, {replica, std::string(outcome_name(Outcome::interrupted)),
                                           std::to_string(unix_time_ms())}));
    std::vector<QuotaChange> changes;
    for (int64_t i = 0; i < closed.count(); i++) {
      const int64_t change = closed.integer(i, 3) - closed.integer(i, 2);
      if (closed.integer(i, 1) == 0 || change >= 0) continue;
      changes.push_back({std::string(closed.text(i, 0)), closed.integer(i, 1), change});
    }
    return give_back(connection, changes);
  });
}

/// Of servers that are gone.
Status close_others(PostgresConnection& connection, const std::string& own) {
  TROIKA_TRY(const PostgresRows others,
             connection.run("SELECT DISTINCT replica FROM troika_requests WHERE outcome IS NULL "
                            "AND replica <> $1",
                            {own}));
  for (int64_t i = 0; i < others.count(); i++) {
    const std::string replica(others.text(i, 0));
    TROIKA_TRY(const bool is_gone, try_lock(connection, replica));
    if (!is_gone) continue;
    const Status closed = close_open(connection, replica);
    TROIKA_TRY(const PostgresRows unlocked, connection.run(kUnlockName, {replica}));
    TROIKA_RETURN_IF_ERROR(closed);
  }
  return ok();
}

class PostgresLedger final : public Ledger {
 public:
  PostgresLedger(std::string replica, bool power_safe)
      : replica_(std::move(replica)), power_safe_(power_safe) {}

  /// Without a name it is for reading.
  Status connect(const std::string& connection);

  LedgerNumber new_number() override { return static_cast<LedgerNumber>(next_number_++); }
  Status commit(const LedgerBatch& batch) override;
  Result<std::vector<UsageTotal>> totals(const UsageQuery& query) override;
  Status records(const UsageQuery& query,
                 const std::function<void(const UsageRecord&)>& record) override;
  Result<int64_t> fold(int64_t before_ms) override;

 private:
  Status take_name(PostgresConnection& connection);
  Status insert(std::span<const LedgerOpening> openings);
  Status update(std::span<const LedgerUpdate> updates);

  const std::string replica_;
  const bool power_safe_;
  std::mutex mutex_;
  std::unique_ptr<PostgresConnection> connection_;
  // A thousand for each millisecond since 1970: a server that comes back begins above all that it
  // ever gave, whatever of it is still there.
  std::atomic<int64_t> next_number_ = unix_time_ms() * 1000;
};

Status PostgresLedger::take_name(PostgresConnection& connection) {
  TROIKA_TRY(const bool is_ours, try_lock(connection, replica_));
  if (is_ours) return ok();
  return fail(ErrorCode::invalid_argument, "PostgreSQL: another server has the name \"{}\"",
              replica_);
}

Status PostgresLedger::connect(const std::string& connection) {
  const auto prepare = [this](PostgresConnection& fresh) -> Status {
    TROIKA_RETURN_IF_ERROR(make_postgres_schema(fresh));
    if (power_safe_) TROIKA_RETURN_IF_ERROR(fresh.run_all("SET synchronous_commit = on"));
    return replica_.empty() ? ok() : take_name(fresh);
  };
  TROIKA_TRY(connection_, PostgresConnection::open(connection, prepare));
  if (replica_.empty()) return ok();
  TROIKA_RETURN_IF_ERROR(close_open(*connection_, replica_));
  return close_others(*connection_, replica_);
}

/// One array of a field of all items.
template <typename Item, typename Get>
std::string column(std::span<const Item> items, Get get) {
  std::vector<std::decay_t<decltype(get(items[0]))>> values;
  for (const Item& item : items) values.push_back(get(item));
  return array_text(values);
}

Status PostgresLedger::insert(std::span<const LedgerOpening> openings) {
  if (openings.empty()) return ok();
  using O = LedgerOpening;
  const Result<PostgresRows> done = connection_->run(
      kInsert,
      {replica_, column(openings, [](const O& o) { return static_cast<int64_t>(o.number); }),
       column(openings, [](const O& o) { return o.request; }),
       column(openings, [](const O& o) { return o.tenant; }),
       column(openings, [](const O& o) { return o.key; }),
       column(openings, [](const O& o) { return o.model; }),
       column(openings, [](const O& o) { return o.route; }),
       column(openings, [](const O& o) { return o.started_ms; }),
       column(openings, [](const O& o) { return o.reserved_tokens; }),
       column(openings, [](const O& o) { return o.reserved_second; })});
  return done.ok() ? ok() : Status(done.error());
}

Status PostgresLedger::update(std::span<const LedgerUpdate> updates) {
  if (updates.empty()) return ok();
  using U = LedgerUpdate;
  const Result<PostgresRows> done = connection_->run(
      kUpdate,
      {replica_, column(updates, [](const U& u) { return static_cast<int64_t>(u.number); }),
       column(updates, [](const U& u) { return u.usage.prompt_tokens; }),
       column(updates, [](const U& u) { return u.usage.cached_tokens; }),
       column(updates, [](const U& u) { return u.usage.answer_tokens; }),
       column(updates, [](const U& u) { return u.usage.drafts_proposed; }),
       column(updates, [](const U& u) { return u.usage.drafts_accepted; }),
       column(updates,
              [](const U& u) { return std::string(u.outcome ? outcome_name(*u.outcome) : ""); }),
       column(updates, [](const U& u) { return u.outcome ? u.ended_ms : 0; })});
  return done.ok() ? ok() : Status(done.error());
}

Status PostgresLedger::commit(const LedgerBatch& batch) {
  const std::lock_guard lock(mutex_);
  if (replica_.empty()) return fail(ErrorCode::unsupported, "this ledger was opened for reading");
  if (batch.openings.empty()) return update(batch.updates);
  return connection_->transaction([&]() -> Status {
    TROIKA_RETURN_IF_ERROR(insert(batch.openings));
    return update(batch.updates);
  });
}

TokenUsage usage_at(const PostgresRows& rows, int64_t row, int column) {
  return {rows.integer(row, column), rows.integer(row, column + 1), rows.integer(row, column + 2),
          rows.integer(row, column + 3), rows.integer(row, column + 4)};
}

Result<std::vector<UsageTotal>> PostgresLedger::totals(const UsageQuery& query) {
  const std::lock_guard lock(mutex_);
  TROIKA_TRY(const PostgresRows rows,
             connection_->run(kSelectTotals, {std::to_string(query.from_ms),
                                              std::to_string(query.to_ms), query.tenant}));
  std::vector<UsageTotal> totals;
  for (int64_t i = 0; i < rows.count(); i++)
    totals.push_back({day_of(rows.integer(i, 0)), std::string(rows.text(i, 1)),
                      std::string(rows.text(i, 2)), rows.integer(i, 3), usage_at(rows, i, 4)});
  return totals;
}

Status PostgresLedger::records(const UsageQuery& query,
                               const std::function<void(const UsageRecord&)>& record) {
  const std::lock_guard lock(mutex_);
  TROIKA_TRY(const PostgresRows rows,
             connection_->run(kSelectRecords, {std::to_string(query.from_ms),
                                               std::to_string(query.to_ms), query.tenant}));
  for (int64_t i = 0; i < rows.count(); i++)
    record({.opening = {.request = std::string(rows.text(i, 0)),
                        .tenant = std::string(rows.text(i, 1)),
                        .key = std::string(rows.text(i, 2)),
                        .model = std::string(rows.text(i, 3)),
                        .route = std::string(rows.text(i, 4)),
                        .started_ms = rows.integer(i, 5),
                        .reserved_tokens = rows.integer(i, 6),
                        .reserved_second = rows.integer(i, 7)},
            .usage = usage_at(rows, i, 8),
            .outcome = std::string(rows.text(i, 13)),
            .ended_ms = rows.integer(i, 14)});
  return ok();
}

Result<int64_t> PostgresLedger::fold(int64_t before_ms) {
  const std::lock_guard lock(mutex_);
  TROIKA_TRY(const PostgresRows rows,
             connection_->run(fmt::format(kFold, kDaySums, kAddToDays),
                              {std::to_string(before_ms - before_ms % kDayMs)}));
  return rows.integer(0, 0);
}

}  // namespace

Result<std::unique_ptr<Ledger>> open_postgres_ledger(const PostgresOptions& options) {
  if (options.replica.empty())
    return fail(ErrorCode::invalid_argument, "a server without a name, wanted one");
  auto ledger = std::make_unique<PostgresLedger>(options.replica, options.power_safe);
  TROIKA_RETURN_IF_ERROR(ledger->connect(options.connection));
  return std::unique_ptr<Ledger>(std::move(ledger));
}

Result<std::unique_ptr<Ledger>> view_postgres_ledger(const std::string& connection) {
  auto ledger = std::make_unique<PostgresLedger>("", false);
  TROIKA_RETURN_IF_ERROR(ledger->connect(connection));
  return std::unique_ptr<Ledger>(std::move(ledger));
}

}  // namespace troika::serve
