#include "serve/tenants/tenant_settings.h"

#include <gtest/gtest.h>

namespace troika::serve {
namespace {

TEST(TenantSettings, EachIsSetShownAndReset) {
  const std::pair<const char*, const char*> kCases[] = {
      {"weight=3", "3.0"},
      {"weight=0.5", "0.5"},
      {"priority=batch", "\"batch\""},
      {"requests_per_minute=60", "60"},
      {"tokens_per_minute=0", "0"},
      {"tokens_per_day=1000000000000", "1000000000000"},
      {"sequences=4", "4"},
      {"queue=0", "0"},
      {"context=8192", "8192"},
      {"cache=off", "\"off\""},
      {"cache=group:lab", "\"group:lab\""},
      {"cache_share_min=0.25", "0.25"},
      {"cache_share_max=0.5", "0.5"},
      {"speculation=false", "false"},
      {"speculation_tokens=2", "2"},
  };
  for (const auto& [text, shown] : kCases) {
    Tenant tenant;
    Result<TenantChange> change = parse_change(text);
    ASSERT_TRUE(change.ok());
    ASSERT_TRUE(apply(tenant, *change).ok()) << text;
    int set = 0;
    for (const TenantSetting& setting : tenant_settings())
      if (setting.is_set(tenant)) {
        EXPECT_EQ(setting.name, change->name);
        EXPECT_EQ(written(setting.get(tenant)), shown);
        set++;
      }
    EXPECT_EQ(set, 1) << text;
    change->value.reset();
    ASSERT_TRUE(apply(tenant, *change).ok());
    EXPECT_TRUE(tenant == Tenant());
  }
}

TEST(TenantSettings, RefusalsNameWhatIsWanted) {
  for (const char* text : {"weight=0",
                           "weight=nan",
                           "weight=inf",
                           "weight=true",
                           "weight=1e7",
                           "weight=heavy",
                           "priority=urgent",
                           "priority=1",
                           "requests_per_minute=-1",
                           "requests_per_minute=1.5",
                           "tokens_per_day=9223372036854775808",
                           "sequences=0",
                           "context=1",
                           "cache=shared",
                           "cache=group:",
                           "cache=group:A b",
                           "cache_share_min=-0.1",
                           "cache_share_max=1.1",
                           "speculation=maybe",
                           "speculation_tokens=17"}) {
    Tenant tenant;
    const Result<TenantChange> change = parse_change(text);
    ASSERT_TRUE(change.ok()) << text;
    const Status refused = apply(tenant, *change);
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_EQ(refused.error().code(), ErrorCode::invalid_argument);
    EXPECT_NE(refused.error().message().find(change->name), std::string::npos);
    EXPECT_NE(refused.error().message().find("wanted"), std::string::npos);
    EXPECT_TRUE(tenant == Tenant());
  }
  Tenant tenant;
  EXPECT_FALSE(apply(tenant, {"wieght", SettingValue(1.0)}).ok());
  EXPECT_FALSE(parse_change("weight").ok());
  EXPECT_FALSE(parse_change("=3").ok());
}

TEST(TenantSettings, SharesMustFit) {
  Tenant tenant;
  tenant.cache.share_min = 0.5;
  EXPECT_TRUE(check_tenant(tenant).ok());
  tenant.cache.share_max = 0.4;
  EXPECT_FALSE(check_tenant(tenant).ok());
}

TEST(TenantSettings, WhatTheEngineIsTold) {
  Tenant tenant;
  tenant.weight = 2;
  tenant.priority = PriorityClass::batch;
  tenant.queue_max = 5;
  tenant.sequences_max = 3;
  const TenantPolicy policy = scheduler_policy(tenant);
  EXPECT_EQ(policy.weight, 2);
  EXPECT_EQ(policy.highest, PriorityClass::batch);
  EXPECT_EQ(policy.queue_max, 5);
  EXPECT_EQ(policy.sequences_max, 3);
  tenant.cache.share_min = 0.25;
  tenant.cache.share_max = 0.5;
  const CacheLimits limits = cache_limits(tenant, 101, 9);
  EXPECT_EQ(limits.pages_min, 25);
  EXPECT_EQ(limits.pages_max, 50);
  EXPECT_EQ(limits.checkpoints_min, 2);
  EXPECT_EQ(limits.checkpoints_max, 4);
}

}  // namespace
}  // namespace troika::serve
