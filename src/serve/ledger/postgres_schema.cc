#include "serve/ledger/postgres_schema.h"

#include <vector>

#include "serve/ledger/ledger_sql.h"

namespace troika::serve {
namespace {

constexpr char kMakeVersion[] = R"(
  CREATE TABLE IF NOT EXISTS troika_version(version INTEGER NOT NULL))";

constexpr char kMakeRequests[] = R"(
  CREATE TABLE IF NOT EXISTS troika_requests(
    replica TEXT NOT NULL, number BIGINT NOT NULL, request TEXT NOT NULL, tenant TEXT NOT NULL,
    key_id TEXT NOT NULL, model TEXT NOT NULL, route TEXT NOT NULL, started_ms BIGINT NOT NULL,
    reserved_tokens BIGINT NOT NULL, reserved_second BIGINT NOT NULL,
    prompt_tokens BIGINT NOT NULL DEFAULT 0, cached_tokens BIGINT NOT NULL DEFAULT 0,
    answer_tokens BIGINT NOT NULL DEFAULT 0, drafts_proposed BIGINT NOT NULL DEFAULT 0,
    drafts_accepted BIGINT NOT NULL DEFAULT 0, outcome TEXT, ended_ms BIGINT,
    PRIMARY KEY(replica, number)) WITH (fillfactor = 70);
  CREATE INDEX IF NOT EXISTS troika_requests_started ON troika_requests(started_ms);
  CREATE INDEX IF NOT EXISTS troika_requests_open ON troika_requests(replica)
    WHERE outcome IS NULL)";

// A tenant is one row, so that its lock is that of all its windows. The arrays hold the seconds of
// the sliding minute in which something was taken.
constexpr char kMakeQuotas[] = R"(
  CREATE TABLE IF NOT EXISTS troika_quotas(
    tenant TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL DEFAULT 0,
    day BIGINT NOT NULL DEFAULT 0, day_tokens BIGINT NOT NULL DEFAULT 0,
    seconds BIGINT[] NOT NULL DEFAULT '{}', requests BIGINT[] NOT NULL DEFAULT '{}',
    tokens BIGINT[] NOT NULL DEFAULT '{}'))";

// The same windows as SlidingMinute and QuotaWindows. The row is read behind its lock, so two
// servers never see the same room. LEAST passes over limits that are NULL.
constexpr char kMakeReserve[] = R"(
  CREATE OR REPLACE FUNCTION troika_reserve(
    the_tenant TEXT, the_clock DOUBLE PRECISION, tokens_min BIGINT, tokens_max BIGINT,
    requests_limit BIGINT, minute_limit BIGINT, day_limit BIGINT,
    OUT granted BIGINT, OUT quota troika_quotas)
  LANGUAGE plpgsql AS $body$
  DECLARE
    this_second BIGINT;
    place INTEGER;
  BEGIN
    INSERT INTO troika_quotas(tenant) VALUES(the_tenant) ON CONFLICT DO NOTHING;
    SELECT * INTO quota FROM troika_quotas WHERE tenant = the_tenant FOR UPDATE;
    quota.at := GREATEST(COALESCE(the_clock, extract(epoch FROM clock_timestamp())), quota.at);
    this_second := floor(quota.at);
    SELECT COALESCE(array_agg(w.s), '{}'), COALESCE(array_agg(w.r), '{}'),
           COALESCE(array_agg(w.t), '{}')
      INTO quota.seconds, quota.requests, quota.tokens
      FROM unnest(quota.seconds, quota.requests, quota.tokens) AS w(s, r, t)
      WHERE w.s > this_second - 61;
    IF this_second / 86400 > quota.day THEN
      quota.day := this_second / 86400;
      quota.day_tokens := 0;
    END IF;
    granted := LEAST(tokens_max,
                     minute_limit - (SELECT COALESCE(sum(t), 0) FROM unnest(quota.tokens) AS t),
                     day_limit - quota.day_tokens);
    IF granted < tokens_min OR
       (SELECT COALESCE(sum(r), 0) FROM unnest(quota.requests) AS r) + 1 > requests_limit THEN
      granted := NULL;
      RETURN;
    END IF;
    place := COALESCE(array_position(quota.seconds, this_second),
                      COALESCE(array_length(quota.seconds, 1), 0) + 1);
    quota.seconds[place] := this_second;
    quota.requests[place] := COALESCE(quota.requests[place], 0) + 1;
    quota.tokens[place] := COALESCE(quota.tokens[place], 0) + granted;
    quota.day_tokens := quota.day_tokens + granted;
    UPDATE troika_quotas SET at = quota.at, day = quota.day, day_tokens = quota.day_tokens,
      seconds = quota.seconds, requests = quota.requests, tokens = quota.tokens
      WHERE tenant = the_tenant;
  END $body$)";

// One statement: rows are read again behind the locks of others. Locks are taken in the order of
// names, so two servers that give back at the same time wait for each other and not in a circle.
constexpr char kGiveBack[] = R"(
  WITH given AS (SELECT t, s, CAST(sum(c) AS BIGINT) AS c
                 FROM unnest(CAST($1 AS TEXT[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]))
                      AS g(t, s, c)
                 GROUP BY t, s),
       held AS (SELECT tenant FROM troika_quotas WHERE tenant = ANY(CAST($1 AS TEXT[]))
                ORDER BY tenant FOR UPDATE)
  UPDATE troika_quotas AS q SET
    tokens = COALESCE((SELECT array_agg(w.t + COALESCE((SELECT g.c FROM given AS g
                                                        WHERE g.t = q.tenant AND g.s = w.s), 0)
                                        ORDER BY w.n)
                       FROM unnest(q.seconds, q.tokens) WITH ORDINALITY AS w(s, t, n)), '{}'),
    day_tokens = q.day_tokens + CAST(COALESCE((SELECT sum(g.c) FROM given AS g
                                               WHERE g.t = q.tenant AND g.s / 86400 = q.day), 0)
                                     AS BIGINT)
  WHERE q.tenant IN (SELECT tenant FROM held))";

// "troika", for the lock of those who make tables.
constexpr char kLockSchema[] = "SELECT pg_advisory_xact_lock(128191917548385)";

Status make_tables(PostgresConnection& connection) {
  TROIKA_RETURN_IF_ERROR(connection.run_all(kLockSchema));
  TROIKA_RETURN_IF_ERROR(connection.run_all(kMakeVersion));
  TROIKA_TRY(const PostgresRows version,
             connection.run("SELECT COALESCE(max(version), 0) FROM troika_version"));
  const int64_t found = version.integer(0, 0);
  if (found == kLedgerVersion) return ok();
  if (found != 0)
    return fail(ErrorCode::unsupported,
                "PostgreSQL: the tables are of version {}, wanted version {}", found,
                kLedgerVersion);
  for (const char* statement : {kMakeRequests, kMakeDays, kMakeQuotas, kMakeReserve})
    TROIKA_RETURN_IF_ERROR(connection.run_all(statement));
  return connection.run_all(fmt::format("INSERT INTO troika_version VALUES({})", kLedgerVersion));
}

}  // namespace

Status make_postgres_schema(PostgresConnection& connection) {
  return connection.transaction([&] { return make_tables(connection); });
}

Status give_back(PostgresConnection& connection, std::span<const QuotaChange> changes) {
  if (changes.empty()) return ok();
  std::vector<std::string> tenants;
  std::vector<int64_t> seconds, tokens;
  for (const QuotaChange& change : changes) {
    tenants.push_back(change.tenant);
    seconds.push_back(change.second);
    tokens.push_back(change.tokens);
  }
  const Result<PostgresRows> done =
      connection.run(kGiveBack, {array_text(tenants), array_text(seconds), array_text(tokens)});
  return done.ok() ? ok() : Status(done.error());
}

}  // namespace troika::serve
