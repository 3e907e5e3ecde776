// troika tenant: the life of a tenant, and what it used.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/program.h"
#include "core/text_file.h"
#include "serve/ledger/sqlite_ledger.h"
#include "serve/tenants/tenant_store.h"

namespace troika::testing {
namespace {

/// The key that a command printed, without its line end.
std::string key_of(const Outcome& outcome) {
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_TRUE(outcome.out.starts_with("trk_") && outcome.out.size() == 48) << outcome.out;
  return outcome.out.substr(0, outcome.out.find('\n'));
}

TEST(CliTenant, ALife) {
  const Folder folder;
  const std::string file = folder / "tenants.toml";
  const auto tenant = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "tenant");
    arguments.insert(arguments.end(), {"--tenants", file});
    return troika(arguments);
  };
  const std::string first = key_of(tenant({"add", "clinic", "weight=3", "tokens_per_day=1000"}));
  const auto store = *serve::TenantStore::open(file);
  EXPECT_EQ(store->directory()->find_key(first)->quota.tokens_per_day, 1000);

  const std::string second = key_of(tenant({"rotate-key", "clinic", "--keep-others"}));
  EXPECT_EQ(tenant({"limit", "clinic", "tokens_per_day=none", "priority=batch"}).status, 0);
  EXPECT_TRUE(*store->reload_if_changed());
  const serve::Tenant* clinic = store->directory()->find_key(second);
  ASSERT_NE(clinic, nullptr);
  EXPECT_EQ(store->directory()->find_key(first), clinic);
  EXPECT_FALSE(clinic->quota.tokens_per_day.has_value());
  EXPECT_EQ(clinic->priority, PriorityClass::batch);

  const std::string list = tenant({"list"}).out;
  EXPECT_TRUE(list.starts_with("clinic\n  keys: ")) << list;
  EXPECT_NE(list.find("  weight = 3.0\n  priority = \"batch\"\n"), std::string::npos) << list;
  EXPECT_EQ(list.find(second), std::string::npos);
  EXPECT_EQ(read_text_file(file)->find(second), std::string::npos);

  const std::string id = serve::digest_of(first).id();
  EXPECT_EQ(tenant({"rotate-key", "clinic", "--drop", id}).status, 0);
  EXPECT_EQ(tenant({"remove", "clinic"}).status, 0);
  EXPECT_EQ(tenant({"list"}).out, "");
}

TEST(CliTenant, Refusals) {
  const Folder folder;
  const std::string file = folder / "tenants.toml";
  expect_refusal(troika({"tenant", "list", "--tenants", file}), 1, "tenants.toml");
  expect_refusal(troika({"tenant", "add", "clinic", "weight", "--tenants", file}), 2,
                 "wanted NAME=VALUE");
  expect_refusal(troika({"tenant", "add", "clinic", "weight=0", "--tenants", file}), 1,
                 "weight = 0, wanted a number");
  expect_refusal(troika({"tenant", "add", "Clinic", "--tenants", file}), 1, "the name \"Clinic\"");
  folder.write("tenants.toml", "[[tenant]]\nname = \"a\"\nweight = 0\n");
  expect_refusal(troika({"tenant", "remove", "a", "--tenants", file}), 1, "tenants.toml:3: weight");
  expect_refusal(troika({"tenant", "usage", "--ledger", folder / "no.db"}), 1, "no.db");
  expect_refusal(troika({"tenant", "usage", "--by", "request"}), 2, "wanted --format csv or json");
  expect_refusal(troika({"tenant", "usage", "--from", "yesterday"}), 2, "\"yesterday\" is no day");
  EXPECT_EQ(troika({"tenant"}).status, 2);
}

TEST(CliTenant, Usage) {
  const Folder folder;
  const std::string path = folder / "ledger.db";
  const int64_t day = *serve::day_begins_ms("2026-11-20");
  const auto ledger = *serve::open_sqlite_ledger(path);
  serve::LedgerBatch batch;
  for (int i = 0; i < 3; i++) {
    const serve::LedgerNumber number = ledger->new_number();
    batch.openings.push_back({.number = number,
                              .request = "r" + std::to_string(i),
                              .tenant = i == 0 ? "lab" : "clinic",
                              .model = "demo",
                              .route = "/v1/completions",
                              .started_ms = day + i});
    batch.updates.push_back({number, {10, 0, 5, 0, 0}, serve::Outcome::stop, day + 9});
  }
  ASSERT_TRUE(ledger->commit(batch).ok());
  const auto usage = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"tenant", "usage", "--ledger", path});
    const Outcome outcome = troika(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.error;
    return outcome.out;
  };
  EXPECT_EQ(usage({"--format", "csv"}),
            "day,tenant,model,requests,prompt_tokens,cached_tokens,answer_tokens,drafts_proposed,"
            "drafts_accepted\n,clinic,,2,20,0,10,0,0\n,lab,,1,10,0,5,0,0\n");
  EXPECT_EQ(usage({"lab", "--by", "day,tenant", "--format", "csv"}).substr(100),
            "2026-11-20,lab,,1,10,0,5,0,0\n");
  EXPECT_NE(usage({}).find("clinic"), std::string::npos);
  const std::string lines = usage({"--by", "request", "--format", "json", "--from", "2026-11-20"});
  const auto record = nlohmann::json::parse(lines.substr(0, lines.find('\n')));
  EXPECT_EQ(record["request"], "r0");
  EXPECT_EQ(record["outcome"], "stop");
  EXPECT_EQ(usage({"--format", "json", "--to", "2026-11-20"}), "");
}

}  // namespace
}  // namespace troika::testing
