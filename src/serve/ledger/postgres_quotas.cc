#include "serve/ledger/postgres_quotas.h"

#include <charconv>
#include <mutex>
#include <utility>
#include <vector>

#include "serve/ledger/postgres.h"
#include "serve/ledger/postgres_schema.h"

namespace troika::serve {
namespace {

constexpr char kReserve[] = R"(
  SELECT granted, (quota).at, (quota).day_tokens, (quota).seconds, (quota).requests,
         (quota).tokens
  FROM troika_reserve($1, $2, $3, $4, $5, $6, $7))";

// What a reservation of nothing would see, without a lock.
constexpr char kStatus[] = R"(
  SELECT NULL, GREATEST(COALESCE(CAST($2 AS DOUBLE PRECISION),
                                 extract(epoch FROM clock_timestamp())), at),
         day_tokens, seconds, requests, tokens, day
  FROM troika_quotas WHERE tenant = $1)";

/// "{1,2,3}".
std::vector<int64_t> integers(std::string_view text) {
  std::vector<int64_t> values;
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    int64_t value = 0;
    const auto [stop, error] = std::from_chars(at + 1, end, value);  // behind '{' or ','
    if (error != std::errc()) break;
    values.push_back(value);
    at = stop;
  }
  return values;
}

PostgresValue limit_value(const std::optional<int64_t>& limit) {
  return limit ? PostgresValue(std::to_string(*limit)) : std::nullopt;
}

/// The windows that a row of the database holds.
QuotaWindows windows_of(const PostgresRows& rows, double now_s) {
  const std::vector<int64_t> seconds = integers(rows.text(0, 3));
  const std::vector<int64_t> requests = integers(rows.text(0, 4));
  const std::vector<int64_t> tokens = integers(rows.text(0, 5));
  QuotaWindows windows;
  windows.add(now_s, 0, 0, 0);
  for (size_t i = 0; i < seconds.size() && i < requests.size() && i < tokens.size(); i++)
    windows.add(now_s, seconds[i], requests[i], tokens[i]);
  windows.set_day_tokens(rows.integer(0, 2));
  return windows;
}

class PostgresQuotas final : public Quotas {
 public:
  PostgresQuotas(std::unique_ptr<PostgresConnection> connection, std::function<double()> clock)
      : connection_(std::move(connection)), clock_(std::move(clock)) {}

  Result<QuotaDecision> reserve(const Tenant& tenant, const QuotaRequest& request) override;
  Status settle_all(std::span<const Settlement> settlements) override;
  Result<QuotaStatus> status(const Tenant& tenant) override;

 private:
  PostgresValue clock_value() const {
    return clock_ ? PostgresValue(fmt::format("{}", clock_())) : std::nullopt;
  }

  std::mutex mutex_;
  std::unique_ptr<PostgresConnection> connection_;
  std::function<double()> clock_;
};

Result<QuotaDecision> PostgresQuotas::reserve(const Tenant& tenant, const QuotaRequest& request) {
  const std::lock_guard lock(mutex_);
  const QuotaLimits& limits = tenant.quota;
  const int64_t tokens_max = std::max(request.tokens_min, request.tokens_max);
  TROIKA_TRY(
      const PostgresRows rows,
      connection_->run(
          kReserve, {tenant.name, clock_value(), std::to_string(request.tokens_min),
                     std::to_string(tokens_max), limit_value(limits.requests_per_minute),
                     limit_value(limits.tokens_per_minute), limit_value(limits.tokens_per_day)}));
  if (rows.count() != 1) return fail(ErrorCode::internal, "PostgreSQL: no answer to a reservation");
  const double now_s = rows.real(0, 1);
  QuotaWindows windows = windows_of(rows, now_s);
  if (rows.is_null(0, 0)) {
    QuotaDecision refused = windows.reserve(now_s, limits, request);
    refused.granted = false;
    return refused;
  }
  QuotaDecision decision;
  decision.granted = true;
  decision.reservation = {tenant.name, static_cast<int64_t>(now_s), rows.integer(0, 0)};
  decision.status = windows.status(now_s, limits);
  return decision;
}

Status PostgresQuotas::settle_all(std::span<const Settlement> settlements) {
  std::vector<QuotaChange> changes;
  for (const auto& [reservation, tokens_used] : settlements)
    if (tokens_used != reservation.tokens)
      changes.push_back({reservation.tenant, reservation.second, tokens_used - reservation.tokens});
  const std::lock_guard lock(mutex_);
  return give_back(*connection_, changes);
}

Result<QuotaStatus> PostgresQuotas::status(const Tenant& tenant) {
  const std::lock_guard lock(mutex_);
  TROIKA_TRY(const PostgresRows rows, connection_->run(kStatus, {tenant.name, clock_value()}));
  if (rows.count() == 0) return QuotaWindows().status(0, tenant.quota);
  const double now_s = rows.real(0, 1);
  QuotaWindows windows = windows_of(rows, now_s);
  if (static_cast<int64_t>(now_s) / QuotaWindows::kDaySeconds > rows.integer(0, 6))
    windows.set_day_tokens(0);
  return windows.status(now_s, tenant.quota);
}

}  // namespace

Result<std::unique_ptr<Quotas>> open_postgres_quotas(const std::string& connection,
                                                     std::function<double()> clock) {
  TROIKA_TRY(auto made, PostgresConnection::open(connection, make_postgres_schema));
  return std::unique_ptr<Quotas>(
      std::make_unique<PostgresQuotas>(std::move(made), std::move(clock)));
}

}  // namespace troika::serve
