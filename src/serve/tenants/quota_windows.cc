#include "serve/tenants/quota_windows.h"

#include <algorithm>
#include <cmath>

#include "serve/tenants/quota.h"

namespace troika::serve {

void SlidingMinute::advance(int64_t second) {
  if (second <= second_) return;
  const int64_t fresh = std::min(second - second_, kSeconds);
  for (int64_t s = second - fresh + 1; s <= second; s++) {
    sum_ -= at(s);
    at(s) = 0;
  }
  second_ = second;
}

void SlidingMinute::add(int64_t second, int64_t count) {
  if (second <= second_ - kSeconds || second > second_) return;
  at(second) += count;
  sum_ += count;
}

int64_t SlidingMinute::falls_to(int64_t count) const {
  int64_t left = sum_;
  for (int64_t s = std::max<int64_t>(second_ - kSeconds + 1, 0); s <= second_ && left > count;
       s++) {
    left -= at(s);
    if (left <= count) return s + kSeconds;
  }
  return second_;
}

void QuotaWindows::advance(double now_s) {
  const auto second = static_cast<int64_t>(std::floor(now_s));
  requests_.advance(second);
  tokens_.advance(second);
  if (second / kDaySeconds > day_) {
    day_ = second / kDaySeconds;
    day_tokens_ = 0;
  }
}

QuotaDecision QuotaWindows::reserve(double now_s, const QuotaLimits& limits,
                                    const QuotaRequest& request) {
  advance(now_s);
  QuotaDecision decision = judge(now_s, limits, request);
  if (decision.granted) add(now_s, decision.reservation.second, 1, decision.reservation.tokens);
  decision.status = status(now_s, limits);
  return decision;
}

QuotaDecision QuotaWindows::judge(double now_s, const QuotaLimits& limits,
                                  const QuotaRequest& request) const {
  QuotaDecision decision;
  decision.granted = true;
  int64_t tokens = std::max(request.tokens_min, request.tokens_max);
  // One limit: what is counted, what is wanted, and when so much less will be counted.
  const auto hold = [&](QuotaKind kind, const std::optional<int64_t>& limit, int64_t counted,
                        int64_t wanted, auto free_at) {
    if (!limit.has_value() || counted + wanted <= *limit) return;
    decision.granted = false;
    const bool never = wanted > *limit;
    const double wait_s = never ? 0 : static_cast<double>(free_at(*limit - wanted)) - now_s;
    if (never == decision.never && wait_s <= decision.retry_after_s) return;
    if (decision.never && !never) return;
    decision.refused_by = kind;
    decision.never = never;
    decision.retry_after_s = wait_s;
  };
  hold(QuotaKind::requests_per_minute, limits.requests_per_minute, requests_.sum(), 1,
       [&](int64_t count) { return requests_.falls_to(count); });
  hold(QuotaKind::tokens_per_minute, limits.tokens_per_minute, tokens_.sum(), request.tokens_min,
       [&](int64_t count) { return tokens_.falls_to(count); });
  hold(QuotaKind::tokens_per_day, limits.tokens_per_day, day_tokens_, request.tokens_min,
       [&](int64_t) { return (day_ + 1) * kDaySeconds; });
  if (!decision.granted) return decision;
  if (limits.tokens_per_minute)
    tokens = std::min(tokens, *limits.tokens_per_minute - tokens_.sum());
  if (limits.tokens_per_day) tokens = std::min(tokens, *limits.tokens_per_day - day_tokens_);
  decision.reservation.second = static_cast<int64_t>(std::floor(now_s));
  decision.reservation.tokens = tokens;
  return decision;
}

void QuotaWindows::add(double now_s, int64_t second, int64_t requests, int64_t tokens) {
  advance(now_s);
  requests_.add(second, requests);
  tokens_.add(second, tokens);
  if (second / kDaySeconds == day_) day_tokens_ += tokens;
}

QuotaStatus QuotaWindows::status(double now_s, const QuotaLimits& limits) {
  advance(now_s);
  const auto level = [](int64_t limit, int64_t counted, double reset_s) {
    const int64_t remaining = std::max<int64_t>(limit - counted, 0);
    return QuotaLevel{limit, remaining, counted > 0 ? reset_s : 0};
  };
  const auto until = [&](int64_t second) { return static_cast<double>(second) - now_s; };
  QuotaStatus status;
  if (limits.requests_per_minute)
    status.requests =
        level(*limits.requests_per_minute, requests_.sum(), until(requests_.falls_to(0)));
  if (limits.tokens_per_minute)
    status.tokens = level(*limits.tokens_per_minute, tokens_.sum(), until(tokens_.falls_to(0)));
  if (limits.tokens_per_day) {
    const QuotaLevel day =
        level(*limits.tokens_per_day, day_tokens_, until((day_ + 1) * kDaySeconds));
    if (!status.tokens || day.remaining < status.tokens->remaining) status.tokens = day;
  }
  return status;
}

}  // namespace troika::serve
