#include "serve/tenants/quota.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace troika::serve {

std::string_view quota_kind_name(QuotaKind kind) {
  constexpr std::string_view kNames[] = {"requests_per_minute", "tokens_per_minute",
                                         "tokens_per_day"};
  return kNames[static_cast<size_t>(kind)];
}

LocalQuotas::LocalQuotas(std::function<double()> clock) : clock_(std::move(clock)) {
  if (clock_) return;
  clock_ = [] {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration<double>(since).count();
  };
}

double LocalQuotas::now() {
  now_s_ = std::max(now_s_, clock_());
  return now_s_;
}

Result<QuotaDecision> LocalQuotas::reserve(const Tenant& tenant, const QuotaRequest& request) {
  const std::lock_guard lock(mutex_);
  QuotaDecision decision = windows_[tenant.name].reserve(now(), tenant.quota, request);
  decision.reservation.tenant = tenant.name;
  return decision;
}

Status LocalQuotas::settle_all(std::span<const Settlement> settlements) {
  const std::lock_guard lock(mutex_);
  for (const auto& [reservation, tokens_used] : settlements)
    windows_[reservation.tenant].add(now(), reservation.second, 0,
                                     tokens_used - reservation.tokens);
  return ok();
}

Result<QuotaStatus> LocalQuotas::status(const Tenant& tenant) {
  const std::lock_guard lock(mutex_);
  return windows_[tenant.name].status(now(), tenant.quota);
}

void LocalQuotas::restore(std::string_view tenant, double used_at_s, int64_t requests,
                          int64_t tokens) {
  const std::lock_guard lock(mutex_);
  const auto second = static_cast<int64_t>(std::floor(used_at_s));
  windows_[std::string(tenant)].add(now(), second, requests, tokens);
}

std::vector<std::pair<std::string, std::string>> rate_limit_headers(const QuotaStatus& status) {
  std::vector<std::pair<std::string, std::string>> headers;
  const auto add = [&](const std::optional<QuotaLevel>& level, std::string_view of) {
    if (!level.has_value()) return;
    headers.emplace_back(fmt::format("x-ratelimit-limit-{}", of), fmt::format("{}", level->limit));
    headers.emplace_back(fmt::format("x-ratelimit-remaining-{}", of),
                         fmt::format("{}", level->remaining));
    headers.emplace_back(fmt::format("x-ratelimit-reset-{}", of), reset_text(level->reset_s));
  };
  add(status.requests, "requests");
  add(status.tokens, "tokens");
  return headers;
}

std::string reset_text(double seconds) {
  if (seconds <= 0) return "0s";
  if (seconds < 1) return fmt::format("{}ms", static_cast<int64_t>(std::ceil(seconds * 1000)));
  const auto whole = static_cast<int64_t>(std::ceil(seconds));
  if (whole >= 3600) return fmt::format("{}h{}m{}s", whole / 3600, whole / 60 % 60, whole % 60);
  if (whole >= 60) return fmt::format("{}m{}s", whole / 60, whole % 60);
  return fmt::format("{}s", whole);
}

std::string retry_after_text(double seconds) {
  return fmt::format("{}", std::max<int64_t>(1, static_cast<int64_t>(std::ceil(seconds))));
}

}  // namespace troika::serve
