#include "serve/tenants/quota_windows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <random>

#include "serve/tenants/quota.h"

namespace troika::serve {
namespace {

constexpr double kStart = 1'000 * QuotaWindows::kDaySeconds;  // a midnight

QuotaRequest tokens(int64_t min, int64_t max) {
  return {.tokens_min = min, .tokens_max = max};
}

TEST(QuotaWindows, NoLimitsGrantAll) {
  QuotaWindows windows;
  for (int i = 0; i < 1000; i++) {
    const QuotaDecision decision = windows.reserve(kStart, {}, tokens(1, 1 << 20));
    EXPECT_TRUE(decision.granted);
    EXPECT_EQ(decision.reservation.tokens, 1 << 20);
    EXPECT_FALSE(decision.status.requests.has_value());
    EXPECT_FALSE(decision.status.tokens.has_value());
  }
}

TEST(QuotaWindows, RefusesTheRequestBehindTheLimit) {
  QuotaWindows windows;
  const QuotaLimits limits{.requests_per_minute = 3};
  for (int i = 0; i < 3; i++) EXPECT_TRUE(windows.reserve(kStart + 0.25, limits, {}).granted);
  const QuotaDecision refused = windows.reserve(kStart + 0.5, limits, {});
  EXPECT_FALSE(refused.granted);
  EXPECT_FALSE(refused.never);
  EXPECT_EQ(refused.refused_by, QuotaKind::requests_per_minute);
  EXPECT_EQ(refused.status.requests->remaining, 0);
  EXPECT_DOUBLE_EQ(refused.retry_after_s, 60.5);
  EXPECT_FALSE(windows.reserve(kStart + 60.99, limits, {}).granted);
  EXPECT_TRUE(windows.reserve(kStart + 61, limits, {}).granted);
}

TEST(QuotaWindows, RefusedRequestsCountNothing) {
  QuotaWindows windows;
  const QuotaLimits limits{.requests_per_minute = 2, .tokens_per_minute = 100};
  EXPECT_TRUE(windows.reserve(kStart, limits, tokens(90, 90)).granted);
  for (int i = 0; i < 5; i++) EXPECT_FALSE(windows.reserve(kStart, limits, tokens(11, 11)).granted);
  EXPECT_TRUE(windows.reserve(kStart, limits, tokens(10, 10)).granted);
  EXPECT_FALSE(windows.reserve(kStart, limits, tokens(0, 0)).granted);  // of requests
}

TEST(QuotaWindows, AnOpenAnswerTakesWhatIsLeft) {
  QuotaWindows windows;
  const QuotaLimits limits{.tokens_per_minute = 100, .tokens_per_day = 130};
  EXPECT_EQ(windows.reserve(kStart, limits, tokens(10, 70)).reservation.tokens, 70);
  EXPECT_EQ(windows.reserve(kStart, limits, tokens(10, 70)).reservation.tokens, 30);
  const QuotaDecision refused = windows.reserve(kStart, limits, tokens(1, 70));
  EXPECT_EQ(refused.refused_by, QuotaKind::tokens_per_minute);
  const QuotaDecision day = windows.reserve(kStart + 61, limits, tokens(31, 70));
  EXPECT_FALSE(day.granted);
  EXPECT_EQ(day.refused_by, QuotaKind::tokens_per_day);
  EXPECT_DOUBLE_EQ(day.retry_after_s, QuotaWindows::kDaySeconds - 61);
  EXPECT_EQ(day.status.tokens->limit, 130);  // of the two that which has less left
  EXPECT_EQ(windows.reserve(kStart + 61, limits, tokens(30, 70)).reservation.tokens, 30);
}

TEST(QuotaWindows, WhatWasNotUsedComesBack) {
  QuotaWindows windows;
  const QuotaLimits limits{.tokens_per_minute = 100, .tokens_per_day = 100};
  const QuotaDecision first = windows.reserve(kStart, limits, tokens(100, 100));
  ASSERT_TRUE(first.granted);
  EXPECT_FALSE(windows.reserve(kStart + 5, limits, tokens(1, 1)).granted);
  windows.add(kStart + 6, first.reservation.second, 0, -60);
  EXPECT_EQ(windows.status(kStart + 6, limits).tokens->remaining, 60);
  EXPECT_FALSE(windows.reserve(kStart + 6, limits, tokens(61, 61)).granted);
  EXPECT_TRUE(windows.reserve(kStart + 6, limits, tokens(60, 60)).granted);
}

TEST(QuotaWindows, WhatComesBackLateChangesNoOtherWindow) {
  QuotaWindows windows;
  const QuotaLimits limits{.tokens_per_minute = 100, .tokens_per_day = 1000};
  const double evening = kStart + QuotaWindows::kDaySeconds - 1;
  const QuotaDecision first = windows.reserve(evening, limits, tokens(100, 100));
  const double next = evening + 100;
  EXPECT_TRUE(windows.reserve(next, limits, tokens(100, 100)).granted);
  windows.add(next, first.reservation.second, 0, -100);
  EXPECT_EQ(windows.status(next, {.tokens_per_minute = 100}).tokens->remaining, 0);
  EXPECT_EQ(windows.status(next, {.tokens_per_day = 1000}).tokens->remaining, 900);
}

TEST(QuotaWindows, MoreThanTheWholeLimitIsNever) {
  QuotaWindows windows;
  const QuotaLimits limits{.requests_per_minute = 1, .tokens_per_minute = 100};
  EXPECT_TRUE(windows.reserve(kStart, limits, tokens(1, 1)).granted);
  const QuotaDecision refused = windows.reserve(kStart, limits, tokens(101, 101));
  EXPECT_TRUE(refused.never);
  EXPECT_EQ(refused.refused_by, QuotaKind::tokens_per_minute);
  const QuotaDecision none = windows.reserve(kStart, {.requests_per_minute = 0}, tokens(1, 1));
  EXPECT_TRUE(none.never);
}

TEST(QuotaWindows, StatusSaysWhenAllIsThereAgain) {
  QuotaWindows windows;
  const QuotaLimits limits{.requests_per_minute = 10, .tokens_per_minute = 100};
  EXPECT_EQ(windows.status(kStart, limits).requests->reset_s, 0);
  EXPECT_TRUE(windows.reserve(kStart, limits, tokens(10, 10)).granted);
  EXPECT_TRUE(windows.reserve(kStart + 30.5, limits, tokens(10, 10)).granted);
  const QuotaStatus status = windows.status(kStart + 31, limits);
  EXPECT_EQ(status.requests->remaining, 8);
  EXPECT_EQ(status.tokens->remaining, 80);
  EXPECT_DOUBLE_EQ(status.tokens->reset_s, 60);
}

TEST(QuotaWindows, ManyRandomRequests) {
  // Never more than the limit in any 60 s, and who waits as told is admitted.
  std::mt19937 random(7);
  QuotaWindows windows;
  const QuotaLimits limits{.requests_per_minute = 40, .tokens_per_minute = 1000};
  std::deque<std::pair<double, int64_t>> taken;
  double now = kStart;
  int refusals = 0;
  for (int i = 0; i < 20'000; i++) {
    now += std::exponential_distribution(1.0)(random);
    const auto wanted = std::uniform_int_distribution<int64_t>(1, 120)(random);
    const QuotaDecision decision = windows.reserve(now, limits, tokens(wanted, wanted));
    if (!decision.granted) {
      refusals++;
      ASSERT_GT(decision.retry_after_s, 0);
      QuotaWindows copy = windows;
      EXPECT_FALSE(copy.reserve(now + decision.retry_after_s - 1e-3, limits, tokens(wanted, wanted))
                       .granted);
      copy = windows;
      EXPECT_TRUE(
          copy.reserve(now + decision.retry_after_s, limits, tokens(wanted, wanted)).granted);
      continue;
    }
    taken.emplace_back(now, wanted);
    while (taken.front().first <= now - 60) taken.pop_front();
    int64_t sum = 0;
    for (const auto& [at, count] : taken) sum += count;
    ASSERT_LE(sum, 1000);
    ASSERT_LE(std::ssize(taken), 40);
  }
  EXPECT_GT(refusals, 100);
}

}  // namespace
}  // namespace troika::serve
