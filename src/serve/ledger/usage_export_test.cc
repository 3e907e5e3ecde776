#include "serve/ledger/usage_export.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace troika::serve {
namespace {

const UsageTotal kTotal = {"2026-11-20", "clinic", "demo, \"q8\"", 3, {1, 2, 3, 4, 5}};

TEST(UsageExport, Csv) {
  EXPECT_EQ(totals_head(UsageFormat::csv),
            "day,tenant,model,requests,prompt_tokens,cached_tokens,answer_tokens,drafts_proposed,"
            "drafts_accepted\n");
  EXPECT_EQ(line_of(kTotal, UsageFormat::csv),
            "2026-11-20,clinic,\"demo, \"\"q8\"\"\",3,1,2,3,4,5\n");
  UsageTotal formula = kTotal;
  formula.model = "=1+1";
  EXPECT_EQ(line_of(formula, UsageFormat::csv), "2026-11-20,clinic,'=1+1,3,1,2,3,4,5\n");
}

TEST(UsageExport, Json) {
  EXPECT_EQ(totals_head(UsageFormat::json), "");
  const auto total = nlohmann::json::parse(line_of(kTotal, UsageFormat::json));
  EXPECT_EQ(total["model"], "demo, \"q8\"");
  EXPECT_EQ(total["drafts_accepted"], 5);
  UsageRecord record;
  record.opening.request = "a\nb\\";
  record.outcome = "stop";
  const auto line = nlohmann::json::parse(line_of(record, UsageFormat::json));
  EXPECT_EQ(line["request"], "a\nb\\");
  EXPECT_EQ(line["outcome"], "stop");
}

TEST(UsageExport, Groups) {
  const UsageTotal totals[] = {{"d1", "a", "m", 1, {1, 0, 0, 0, 0}},
                               {"d1", "b", "m", 1, {2, 0, 0, 0, 0}},
                               {"d2", "a", "n", 1, {4, 0, 0, 0, 0}}};
  const std::vector<UsageTotal> by_tenant = grouped(totals, {.day = false, .model = false});
  ASSERT_EQ(by_tenant.size(), 2U);
  EXPECT_EQ(by_tenant[0].tenant, "a");
  EXPECT_EQ(by_tenant[0].day, "");
  EXPECT_EQ(by_tenant[0].requests, 2);
  EXPECT_EQ(by_tenant[0].usage.prompt_tokens, 5);
  EXPECT_EQ(grouped(totals, {.day = false, .tenant = false, .model = false}).size(), 1U);
  EXPECT_EQ(grouped(totals, {}).size(), 3U);
}

}  // namespace
}  // namespace troika::serve
