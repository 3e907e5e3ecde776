#include "serve/tenants/quota.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace troika::serve {
namespace {

constexpr double kNow = 1.7e9;

Tenant tenant_with(const QuotaLimits& limits) {
  Tenant tenant;
  tenant.name = "clinic";
  tenant.quota = limits;
  return tenant;
}

TEST(Quotas, ExactUnderThreads) {
  // 8 threads want more than there is; what is granted is the limit, to the token.
  LocalQuotas quotas([] { return kNow; });
  const Tenant tenant = tenant_with({.requests_per_minute = 1000, .tokens_per_minute = 7777});
  std::atomic<int64_t> granted = 0;
  std::atomic<int64_t> tokens = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; t++)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; i++) {
        const Result<QuotaDecision> decision =
            quotas.reserve(tenant, {.tokens_min = 1, .tokens_max = 10});
        if (!decision->granted) continue;
        granted++;
        tokens += decision->reservation.tokens;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tokens, 7777);
  EXPECT_EQ(granted, 778);
  EXPECT_EQ(quotas.status(tenant)->requests->remaining, 1000 - 778);
}

TEST(Quotas, ExactUnderThreadsThatGiveBack) {
  LocalQuotas quotas([] { return kNow; });
  const Tenant tenant = tenant_with({.tokens_per_minute = 1000});
  std::atomic<int64_t> used = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; t++)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; i++) {
        const Result<QuotaDecision> decision =
            quotas.reserve(tenant, {.tokens_min = 100, .tokens_max = 100});
        if (!decision->granted) continue;
        EXPECT_TRUE(quotas.settle(decision->reservation, 1).ok());
        used++;
      }
    });
  for (std::thread& thread : threads) thread.join();
  // All was given back but what was used, and nobody could begin with fewer than 100 left.
  EXPECT_EQ(quotas.status(tenant)->tokens->remaining, 1000 - used);
  EXPECT_EQ(used, 901);
}

TEST(Quotas, TenantsDoNotShare) {
  LocalQuotas quotas([] { return kNow; });
  Tenant one = tenant_with({.requests_per_minute = 1});
  Tenant other = one;
  other.name = "lab";
  EXPECT_TRUE(quotas.reserve(one, {})->granted);
  EXPECT_FALSE(quotas.reserve(one, {})->granted);
  EXPECT_TRUE(quotas.reserve(other, {})->granted);
}

TEST(Quotas, LimitsTakeEffectAtOnce) {
  LocalQuotas quotas([] { return kNow; });
  EXPECT_TRUE(quotas.reserve(tenant_with({.requests_per_minute = 1}), {})->granted);
  EXPECT_FALSE(quotas.reserve(tenant_with({.requests_per_minute = 1}), {})->granted);
  EXPECT_TRUE(quotas.reserve(tenant_with({.requests_per_minute = 2}), {})->granted);
}

TEST(Quotas, RemembersWhatTheLedgerRemembers) {
  LocalQuotas quotas([] { return kNow; });
  const Tenant tenant = tenant_with({.requests_per_minute = 5, .tokens_per_day = 100});
  quotas.restore("clinic", kNow - 3600, 1, 40);  // today, not in this minute
  quotas.restore("clinic", kNow - 10, 2, 20);
  quotas.restore("clinic", kNow - 2 * 86'400, 3, 99);
  const QuotaStatus status = *quotas.status(tenant);
  EXPECT_EQ(status.requests->remaining, 3);
  EXPECT_EQ(status.tokens->remaining, 40);
}

TEST(Quotas, ClockThatGoesBackStandsStill) {
  double now = kNow;
  LocalQuotas quotas([&] { return now; });
  const Tenant tenant = tenant_with({.requests_per_minute = 1});
  EXPECT_TRUE(quotas.reserve(tenant, {})->granted);
  now -= 1000;
  const Result<QuotaDecision> refused = quotas.reserve(tenant, {});
  EXPECT_FALSE(refused->granted);
  EXPECT_LE(refused->retry_after_s, 61);
}

TEST(Quotas, Headers) {
  QuotaStatus status;
  EXPECT_TRUE(rate_limit_headers(status).empty());
  status.requests = QuotaLevel{60, 59, 0.9995};
  status.tokens = QuotaLevel{1000, 0, 3661.2};
  const auto headers = rate_limit_headers(status);
  ASSERT_EQ(headers.size(), 6U);
  EXPECT_EQ(headers[0], std::pair(std::string("x-ratelimit-limit-requests"), std::string("60")));
  EXPECT_EQ(headers[1].second, "59");
  EXPECT_EQ(headers[2].second, "1000ms");
  EXPECT_EQ(headers[4], std::pair(std::string("x-ratelimit-remaining-tokens"), std::string("0")));
  EXPECT_EQ(headers[5].second, "1h1m2s");
  EXPECT_EQ(reset_text(0), "0s");
  EXPECT_EQ(reset_text(0.0171), "18ms");
  EXPECT_EQ(reset_text(60.5), "1m1s");
  EXPECT_EQ(retry_after_text(0.01), "1");
  EXPECT_EQ(retry_after_text(60.5), "61");
}

}  // namespace
}  // namespace troika::serve
