#include "serve/ledger/sqlite_ledger.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "serve/ledger/open_ledger.h"
#include "serve/ledger/restore_quotas.h"
#include "serve/ledger/step_ledger.h"

namespace troika::serve {
namespace {

constexpr int64_t kDay = 86'400'000;
constexpr int64_t kStart = 20'000 * kDay + 3'600'000;

class SqliteLedgerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              fmt::format("troika_ledger_{}_{}", getpid(),
                          testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / "ledger.db").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::map<std::string, UsageRecord> records(Ledger& ledger, const UsageQuery& query = {}) {
    std::map<std::string, UsageRecord> found;
    EXPECT_TRUE(ledger
                    .records(query,
                             [&](const UsageRecord& record) {
                               found.emplace(record.opening.request, record);
                             })
                    .ok());
    return found;
  }

  std::filesystem::path folder_;
  std::string path_;
};

LedgerOpening opening(Ledger& ledger, const std::string& request, const std::string& tenant,
                      int64_t started_ms = kStart) {
  return {.number = ledger.new_number(),
          .request = request,
          .tenant = tenant,
          .key = "ba7816bf",
          .model = "demo, \"q8\"",
          .route = "/v1/chat/completions",
          .started_ms = started_ms};
}

TEST_F(SqliteLedgerTest, ARowIsOpenedCountedAndClosed) {
  const auto ledger = *open_sqlite_ledger(path_);
  const LedgerOpening row = opening(*ledger, "r1", "clinic");
  ASSERT_TRUE(ledger->commit({{row}, {{row.number, {10, 4, 0, 0, 0}, {}, 0}}}).ok());
  EXPECT_EQ(records(*ledger)["r1"].outcome, "");
  ASSERT_TRUE(ledger->commit({{}, {{row.number, {10, 4, 3, 2, 1}, {}, 0}}}).ok());
  ASSERT_TRUE(
      ledger->commit({{}, {{row.number, {10, 4, 5, 6, 3}, Outcome::stop, kStart + 500}}}).ok());
  // Behind its end nothing changes, and a lower count never holds.
  ASSERT_TRUE(ledger->commit({{}, {{row.number, {99, 99, 99, 99, 99}, {}, 0}}}).ok());
  const UsageRecord record = records(*ledger)["r1"];
  EXPECT_EQ(record.opening.tenant, "clinic");
  EXPECT_EQ(record.opening.key, "ba7816bf");
  EXPECT_EQ(record.opening.model, "demo, \"q8\"");
  EXPECT_EQ(record.opening.route, "/v1/chat/completions");
  EXPECT_EQ(record.opening.started_ms, kStart);
  EXPECT_EQ(record.ended_ms, kStart + 500);
  EXPECT_EQ(record.outcome, "stop");
  EXPECT_EQ(record.usage, (TokenUsage{10, 4, 5, 6, 3}));
}

TEST_F(SqliteLedgerTest, TheSameBatchTwiceDoesNoHarm) {
  const auto ledger = *open_sqlite_ledger(path_);
  const LedgerOpening row = opening(*ledger, "r1", "clinic");
  const LedgerBatch batch = {{row}, {{row.number, {10, 0, 3, 0, 0}, {}, 0}}};
  ASSERT_TRUE(ledger->commit(batch).ok());
  ASSERT_TRUE(ledger->commit(batch).ok());
  ASSERT_TRUE(ledger->commit({{}, {{row.number, {10, 0, 2, 0, 0}, {}, 0}}}).ok());
  EXPECT_EQ(records(*ledger)["r1"].usage.answer_tokens, 3);
  EXPECT_EQ(records(*ledger).size(), 1U);
}

TEST_F(SqliteLedgerTest, WhatWasLeftOpenIsInterrupted) {
  LedgerNumber last{};
  {
    const auto ledger = *open_sqlite_ledger(path_);
    const LedgerOpening one = opening(*ledger, "r1", "clinic");
    const LedgerOpening two = opening(*ledger, "r2", "clinic");
    last = two.number;
    ASSERT_TRUE(ledger
                    ->commit({{one, two},
                              {{one.number, {10, 0, 3, 0, 0}, {}, 0},
                               {two.number, {7, 0, 1, 0, 0}, Outcome::length, kStart}}})
                    .ok());
  }
  const auto ledger = *open_sqlite_ledger(path_);
  EXPECT_EQ(records(*ledger)["r1"].outcome, "interrupted");
  EXPECT_EQ(records(*ledger)["r1"].usage.answer_tokens, 3);
  EXPECT_GT(records(*ledger)["r1"].ended_ms, kStart);
  EXPECT_EQ(records(*ledger)["r2"].outcome, "length");
  EXPECT_GT(ledger->new_number(), last);
}

TEST_F(SqliteLedgerTest, OneServerWritesOthersRead) {
  const auto ledger = *open_sqlite_ledger(path_);
  const Result<std::unique_ptr<Ledger>> second = open_sqlite_ledger(path_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::invalid_argument);
  const auto view = *view_ledger(path_);
  const LedgerOpening row = opening(*ledger, "r1", "clinic");
  ASSERT_TRUE(ledger->commit({{row}, {}}).ok());
  EXPECT_EQ(records(*view).size(), 1U);
  EXPECT_EQ(view->commit({{row}, {}}).error().code(), ErrorCode::unsupported);
  EXPECT_EQ(records(*view)["r1"].outcome, "");  // to look at it closes nothing
}

TEST_F(SqliteLedgerTest, TotalsAndRetention) {
  const auto ledger = *open_sqlite_ledger(path_);
  LedgerBatch batch;
  for (int day = 0; day < 3; day++)
    for (int i = 0; i < 4; i++) {
      const std::string tenant = i < 3 ? "clinic" : "lab";
      batch.openings.push_back(
          opening(*ledger, fmt::format("r{}-{}", day, i), tenant, kStart + day * kDay + i));
      batch.updates.push_back(
          {batch.openings.back().number, {10, 2, 5, 0, 0}, Outcome::stop, kStart});
    }
  LedgerOpening open = opening(*ledger, "open", "clinic", kStart);
  batch.openings.push_back(open);
  batch.updates.push_back({open.number, {1, 0, 1, 0, 0}, {}, 0});
  ASSERT_TRUE(ledger->commit(batch).ok());

  const std::vector<UsageTotal> before = *ledger->totals({});
  ASSERT_EQ(before.size(), 6U);
  EXPECT_EQ(before[0].tenant, "clinic");
  EXPECT_EQ(before[0].day, day_of(kStart));
  EXPECT_EQ(before[0].requests, 4);
  EXPECT_EQ(before[0].usage, (TokenUsage{31, 6, 16, 0, 0}));
  EXPECT_EQ(ledger->totals({.tenant = "lab"})->size(), 3U);
  EXPECT_EQ(ledger->totals({.from_ms = kStart + kDay, .to_ms = kStart + kDay + 1})->size(), 1U);
  EXPECT_EQ(ledger->totals({.tenant = "nobody"})->size(), 0U);

  EXPECT_EQ(*ledger->fold(kStart + 2 * kDay), 8);  // two whole days, without the open one
  const std::vector<UsageTotal> after = *ledger->totals({});
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < after.size(); i++) {
    EXPECT_EQ(after[i].requests, before[i].requests);
    EXPECT_EQ(after[i].usage, before[i].usage);
  }
  EXPECT_EQ(records(*ledger).size(), 5U);
  ASSERT_TRUE(ledger->commit({{}, {{open.number, {1, 0, 9, 0, 0}, Outcome::stop, kStart}}}).ok());
  EXPECT_EQ(*ledger->fold(kStart + kDay), 1);  // comes to the sums that are there
  EXPECT_EQ((*ledger->totals({}))[0].requests, 4);
  EXPECT_EQ((*ledger->totals({}))[0].usage.answer_tokens, 24);
}

TEST_F(SqliteLedgerTest, QuotasGoOnWhereAServerStopped) {
  const auto ledger = *open_sqlite_ledger(path_);
  const int64_t midnight = 20'001 * kDay;
  LedgerBatch batch;
  for (const int64_t at : {midnight - kDay / 2, midnight - 30'000, midnight + 5'000}) {
    batch.openings.push_back(opening(*ledger, fmt::format("r{}", at), "clinic", at));
    batch.updates.push_back({batch.openings.back().number, {10, 2, 5, 0, 0}, Outcome::stop, at});
  }
  ASSERT_TRUE(ledger->commit(batch).ok());
  const int64_t now_ms = midnight + 10'000;
  LocalQuotas quotas([&] { return static_cast<double>(now_ms) / 1000; });
  ASSERT_TRUE(restore_quotas(*ledger, now_ms, quotas).ok());
  Tenant tenant;
  tenant.name = "clinic";
  tenant.quota.tokens_per_day = 100;
  EXPECT_EQ(quotas.status(tenant)->tokens->remaining, 85);
  tenant.quota = {.requests_per_minute = 10, .tokens_per_minute = 100};
  EXPECT_EQ(quotas.status(tenant)->tokens->remaining, 70);
  EXPECT_EQ(quotas.status(tenant)->requests->remaining, 8);
}

TEST_F(SqliteLedgerTest, OtherFilesAreRefused) {
  std::ofstream(path_) << "This is no database, but it is long enough to be taken for one."
                       << path_;
  EXPECT_EQ(open_sqlite_ledger(path_).error().code(), ErrorCode::corrupt);
  EXPECT_EQ(view_sqlite_ledger((folder_ / "none.db").string()).error().code(),
            ErrorCode::not_found);
  EXPECT_EQ(open_sqlite_ledger((folder_ / "no" / "x.db").string()).error().code(),
            ErrorCode::not_found);
}

TEST_F(SqliteLedgerTest, StepsCarryTheRowsThatWereOpened) {
  const auto ledger = *open_sqlite_ledger(path_);
  int64_t rows = 0;
  StepLedger steps(*ledger, [&](int64_t count, double seconds, const Status& status) {
    rows += count;
    EXPECT_GE(seconds, 0);
    EXPECT_TRUE(status.ok());
  });
  const LedgerNumber number = *steps.open(
      {.request = "r1", .tenant = "clinic", .model = "demo", .route = "/", .started_ms = kStart});
  EXPECT_TRUE(records(*ledger).empty());
  ASSERT_TRUE(steps.commit_step({{number, {5, 0, 1, 0, 0}, {}, 0}}).ok());
  ASSERT_TRUE(steps.commit_step({{number, {5, 0, 2, 0, 0}, Outcome::cancelled, kStart}}).ok());
  ASSERT_TRUE(steps.commit_step({}).ok());
  EXPECT_EQ(rows, 3);
  EXPECT_EQ(records(*ledger)["r1"].outcome, "cancelled");
  EXPECT_EQ(records(*ledger)["r1"].usage.answer_tokens, 2);
}

/// Fails as often as it is told.
class FailingLedger final : public Ledger {
 public:
  LedgerNumber new_number() override { return static_cast<LedgerNumber>(++numbers); }
  Status commit(const LedgerBatch& batch) override {
    if (failures-- > 0) return fail(ErrorCode::exhausted, "full");
    openings += std::ssize(batch.openings);
    for (const LedgerUpdate& update : batch.updates) updates[update.number] = update;
    return ok();
  }
  Result<std::vector<UsageTotal>> totals(const UsageQuery&) override {
    return std::vector<UsageTotal>{};
  }
  Status records(const UsageQuery&, const std::function<void(const UsageRecord&)>&) override {
    return ok();
  }
  Result<int64_t> fold(int64_t) override { return 0; }

  int failures = 0;
  int64_t numbers = 0;
  int64_t openings = 0;
  std::map<LedgerNumber, LedgerUpdate> updates;
};

TEST(StepLedger, ACommitIsTriedTwiceAndNoRowIsLost) {
  FailingLedger ledger;
  StepLedger steps(ledger);
  ledger.failures = 1;
  (void)steps.open({});
  EXPECT_TRUE(steps.commit_step({}).ok());
  EXPECT_EQ(ledger.openings, 1);
  ledger.failures = 2;
  (void)steps.open({});
  EXPECT_EQ(steps.commit_step({}).error().code(), ErrorCode::exhausted);
  (void)steps.open({});
  EXPECT_TRUE(steps.commit_step({}).ok());
  EXPECT_EQ(ledger.openings, 3);
}

TEST(StepLedger, WhatCouldNotBeWrittenComesWithTheNextStep) {
  FailingLedger ledger;
  StepLedger steps(ledger);
  const LedgerNumber first = *steps.open({}), second = *steps.open({});
  ledger.failures = 4;
  EXPECT_FALSE(steps.commit_step({{first, {1, 0, 1, 0, 0}, {}, 0}, {second, {2}, {}, 0}}).ok());
  EXPECT_FALSE(steps.commit_step({{first, {1, 0, 2, 0, 0}, Outcome::stop, 5}}).ok());
  EXPECT_TRUE(steps.commit_step({{second, {2, 0, 9, 0, 0}, {}, 0}}).ok());
  EXPECT_EQ(ledger.openings, 2);
  EXPECT_EQ(ledger.updates[first].outcome, Outcome::stop);
  EXPECT_EQ(ledger.updates[first].usage.answer_tokens, 2);
  EXPECT_EQ(ledger.updates[second].usage.answer_tokens, 9);
}

TEST(StepLedger, RefusesRowsOfALedgerThatIsGone) {
  FailingLedger ledger;
  StepLedger steps(ledger);
  for (int64_t i = 0; i < kOpenedRowsMax; i++) ASSERT_TRUE(steps.open({}).ok());
  EXPECT_EQ(steps.open({}).error().code(), ErrorCode::exhausted);
}

TEST(Ledger, Days) {
  EXPECT_EQ(day_of(0), "1970-01-01");
  EXPECT_EQ(*day_begins_ms("1970-01-02"), kDay);
  EXPECT_EQ(day_of(*day_begins_ms("2024-02-29")), "2024-02-29");
  for (const char* bad : {"", "2026", "2026-13-01", "2026-02-30", "2026-1-1", "2026-01-01x",
                          "x2026-01-01", "0001-01-01"})
    EXPECT_FALSE(day_begins_ms(bad).ok()) << bad;
}

TEST(Ledger, KindsAreNamed) {
  EXPECT_TRUE(is_postgres("postgresql://h/d"));
  EXPECT_TRUE(is_postgres("postgres://h/d"));
  EXPECT_FALSE(is_postgres("postgres.db"));
  EXPECT_EQ(outcome_name(outcome_of(FinishReason::stop_string)), "stop");
  EXPECT_EQ(outcome_name(outcome_of(FinishReason::expired)), "expired");
  EXPECT_EQ(outcome_name(outcome_of(FinishReason::none)), "failed");
}

}  // namespace
}  // namespace troika::serve
