// What both databases are asked in the same words. Parameters are $1, $2 ... in the order in which
// they first appear, which SQLite takes as names.
#pragma once

namespace troika::serve {

/// That are in the tables; another number is refused.
inline constexpr int kLedgerVersion = 1;

inline constexpr char kMakeDays[] = R"(
  CREATE TABLE IF NOT EXISTS troika_days(
    begins_ms BIGINT NOT NULL, tenant TEXT NOT NULL, model TEXT NOT NULL,
    requests BIGINT NOT NULL, prompt_tokens BIGINT NOT NULL, cached_tokens BIGINT NOT NULL,
    answer_tokens BIGINT NOT NULL, drafts_proposed BIGINT NOT NULL, drafts_accepted BIGINT NOT NULL,
    PRIMARY KEY(begins_ms, tenant, model)))";

/// $1, $2, $3: UsageQuery. Columns: day, tenant, model, requests, TokenUsage.
inline constexpr char kSelectTotals[] = R"(
  SELECT begins_ms, tenant, model, sum(requests), sum(prompt_tokens), sum(cached_tokens),
         sum(answer_tokens), sum(drafts_proposed), sum(drafts_accepted)
  FROM (SELECT started_ms - started_ms % 86400000 AS begins_ms, tenant, model, 1 AS requests,
               prompt_tokens, cached_tokens, answer_tokens, drafts_proposed, drafts_accepted
        FROM troika_requests
        WHERE started_ms >= CAST($1 AS BIGINT) AND started_ms < CAST($2 AS BIGINT)
        UNION ALL
        SELECT begins_ms, tenant, model, requests, prompt_tokens, cached_tokens, answer_tokens,
               drafts_proposed, drafts_accepted
        FROM troika_days
        WHERE begins_ms >= CAST($1 AS BIGINT) AND begins_ms < CAST($2 AS BIGINT)) AS all_of_them
  WHERE CAST($3 AS TEXT) = '' OR tenant = $3
  GROUP BY begins_ms, tenant, model ORDER BY begins_ms, tenant, model)";

/// The same parameters. Columns: LedgerOpening from `request` on, TokenUsage, outcome, ended_ms.
inline constexpr char kSelectRecords[] = R"(
  SELECT request, tenant, key_id, model, route, started_ms, reserved_tokens, reserved_second,
         prompt_tokens, cached_tokens, answer_tokens, drafts_proposed, drafts_accepted,
         COALESCE(outcome, ''), COALESCE(ended_ms, 0)
  FROM troika_requests
  WHERE started_ms >= CAST($1 AS BIGINT) AND started_ms < CAST($2 AS BIGINT)
    AND (CAST($3 AS TEXT) = '' OR tenant = $3)
  ORDER BY started_ms, number)";

/// Behind an INSERT INTO troika_days SELECT: sums come to those that are there.
inline constexpr char kAddToDays[] = R"(
  ON CONFLICT(begins_ms, tenant, model) DO UPDATE SET
    requests = troika_days.requests + excluded.requests,
    prompt_tokens = troika_days.prompt_tokens + excluded.prompt_tokens,
    cached_tokens = troika_days.cached_tokens + excluded.cached_tokens,
    answer_tokens = troika_days.answer_tokens + excluded.answer_tokens,
    drafts_proposed = troika_days.drafts_proposed + excluded.drafts_proposed,
    drafts_accepted = troika_days.drafts_accepted + excluded.drafts_accepted)";

/// The columns that such a SELECT has.
inline constexpr char kDaySums[] = R"(
  started_ms - started_ms % 86400000, tenant, model, count(*), sum(prompt_tokens),
  sum(cached_tokens), sum(answer_tokens), sum(drafts_proposed), sum(drafts_accepted))";

}  // namespace troika::serve
