// Several servers on one PostgreSQL: quotas that they share to the token, a ledger that none of
// them loses. Passed over, visibly, where PostgreSQL is not installed.
#include "serve/ledger/postgres.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <map>
#include <random>
#include <thread>

#include "serve/ledger/postgres_ledger.h"
#include "serve/ledger/postgres_quotas.h"
#include "serve/ledger/step_ledger.h"
#include "support/postgres_server.h"

namespace troika::serve {
namespace {

using testing_support::PostgresServer;

class PostgresTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = PostgresServer::start(reason_); }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (server_ == nullptr) GTEST_SKIP() << reason_;
    address_ = server_->address();
  }

  std::string address_;

 private:
  static inline std::unique_ptr<PostgresServer> server_;
  static inline std::string reason_;
};

Tenant tenant_with(const QuotaLimits& limits) {
  Tenant tenant;
  tenant.name = "clinic";
  tenant.quota = limits;
  return tenant;
}

/// Runs `work` in a process of its own; what it returns comes back through the pipe.
int64_t in_child(const std::function<int64_t()>& work, pid_t& child) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  child = fork();
  if (child == 0) {
    const int64_t result = work();
    const bool told = write(ends[1], &result, sizeof(result)) == sizeof(result);
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  return ends[0];
}

int64_t result_of(int64_t descriptor, pid_t child) {
  int64_t result = -1;
  const bool got = read(static_cast<int>(descriptor), &result, sizeof(result)) == sizeof(result);
  close(static_cast<int>(descriptor));
  waitpid(child, nullptr, 0);
  return got ? result : -1;
}

TEST_F(PostgresTest, TwoProcessesShareAQuotaToTheToken) {
  const Tenant tenant = tenant_with({.requests_per_minute = 400, .tokens_per_minute = 1000});
  const auto take_all = [&]() -> int64_t {
    const auto quotas = open_postgres_quotas(address_);
    if (!quotas.ok()) return -1;
    int64_t tokens = 0;
    for (int refusals = 0; refusals < 20;) {
      const Result<QuotaDecision> decision =
          (*quotas)->reserve(tenant, {.tokens_min = 7, .tokens_max = 7});
      if (!decision.ok()) return -1;
      if (decision->granted) tokens += decision->reservation.tokens;
      refusals += decision->granted ? 0 : 1;
    }
    return tokens;
  };
  std::array<pid_t, 3> children{};
  std::array<int64_t, 3> pipes{};
  for (size_t i = 0; i < children.size(); i++) pipes[i] = in_child(take_all, children[i]);
  int64_t tokens = 0;
  for (size_t i = 0; i < children.size(); i++) {
    const int64_t taken = result_of(pipes[i], children[i]);
    ASSERT_GE(taken, 0);
    tokens += taken;
  }
  EXPECT_EQ(tokens, 1000 / 7 * 7);
  const auto quotas = *open_postgres_quotas(address_);
  EXPECT_EQ(quotas->status(tenant)->tokens->remaining, 1000 % 7);
  EXPECT_EQ(quotas->status(tenant)->requests->remaining, 400 - 1000 / 7);
}

TEST_F(PostgresTest, DecidesAsOneProcessDoes) {
  double now = 1.7e9;
  const auto clock = [&] { return now; };
  const auto shared = *open_postgres_quotas(address_, clock);
  LocalQuotas local(clock);
  std::mt19937 random(5);
  const Tenant tenant =
      tenant_with({.requests_per_minute = 20, .tokens_per_minute = 500, .tokens_per_day = 20'000});
  std::vector<Reservation> open;
  int refusals = 0;
  for (int i = 0; i < 600; i++) {
    now += std::exponential_distribution(0.3)(random);
    if (i % 150 == 149) now += 30'000;
    const int64_t min = std::uniform_int_distribution<int64_t>(1, 120)(random);
    const QuotaRequest request{.tokens_min = min, .tokens_max = min + 20 * (i % 3)};
    const Result<QuotaDecision> a = shared->reserve(tenant, request);
    const Result<QuotaDecision> b = local.reserve(tenant, request);
    ASSERT_TRUE(a.ok()) << a.error().message();
    ASSERT_EQ(a->granted, b->granted) << i;
    EXPECT_EQ(a->reservation.tokens, b->reservation.tokens);
    EXPECT_EQ(a->status.tokens->remaining, b->status.tokens->remaining);
    EXPECT_NEAR(a->status.tokens->reset_s, b->status.tokens->reset_s, 1e-3);
    EXPECT_EQ(a->status.requests->remaining, b->status.requests->remaining);
    EXPECT_NEAR(a->retry_after_s, b->retry_after_s, 1e-3);
    if (a->granted) open.push_back(a->reservation);
    refusals += a->granted ? 0 : 1;
    if (open.size() > 5) {
      std::vector<Settlement> ended;  // one of them twice as long as it was allowed
      for (size_t k = 0; k < 3; k++)
        ended.push_back({open[k], k == 1 ? 2 * open[k].tokens : open[k].tokens / 2});
      ASSERT_TRUE(shared->settle_all(ended).ok());
      ASSERT_TRUE(local.settle_all(ended).ok());
      open.erase(open.begin(), open.begin() + 3);
    }
    EXPECT_EQ(shared->status(tenant)->tokens->remaining, local.status(tenant)->tokens->remaining);
  }
  EXPECT_GT(refusals, 50);
}

TEST_F(PostgresTest, RowsOfAServerThatDiedAreClosedByAnother) {
  const Tenant tenant = tenant_with({.tokens_per_minute = 1000});
  pid_t child = -1;
  // A server that reserves 600 tokens, uses 30 of them and dies in the middle.
  const int64_t pipe = in_child(
      [&]() -> int64_t {
        auto ledger = open_postgres_ledger({.connection = address_, .replica = "one"});
        auto quotas = open_postgres_quotas(address_);
        if (!ledger.ok() || !quotas.ok()) return -1;
        const auto decision = (*quotas)->reserve(tenant, {.tokens_min = 600, .tokens_max = 600});
        StepLedger steps(**ledger);
        const LedgerNumber number = *steps.open({.request = "r1",
                                                 .tenant = "clinic",
                                                 .model = "quote \" and \\ and , and {}",
                                                 .route = "/",
                                                 .started_ms = unix_time_ms(),
                                                 .reserved_tokens = decision->reservation.tokens,
                                                 .reserved_second = decision->reservation.second});
        if (!steps.commit_step({{number, {10, 0, 20, 0, 0}, {}, 0}}).ok()) return -1;
        kill(getpid(), SIGKILL);
        return 0;
      },
      child);
  EXPECT_EQ(result_of(pipe, child), -1);
  const auto quotas = *open_postgres_quotas(address_);
  EXPECT_EQ(quotas->status(tenant)->tokens->remaining, 400);
  // The database hears of the end of a process soon, not at once.
  std::map<std::string, UsageRecord> records;
  std::unique_ptr<Ledger> ledger;
  for (int i = 0; i < 200 && records["r1"].outcome.empty(); i++) {
    ledger.reset();
    ledger = *open_postgres_ledger({.connection = address_, .replica = "two"});
    ASSERT_TRUE(
        ledger
            ->records({},
                      [&](const UsageRecord& record) { records[record.opening.request] = record; })
            .ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(records["r1"].outcome, "interrupted");
  EXPECT_EQ(records["r1"].usage, (TokenUsage{10, 0, 20, 0, 0}));
  EXPECT_EQ(records["r1"].opening.model, "quote \" and \\ and , and {}");
  EXPECT_EQ(quotas->status(tenant)->tokens->remaining, 970);
}

TEST_F(PostgresTest, ServersDoNotCloseEachOthersRows) {
  const auto one = *open_postgres_ledger({.connection = address_, .replica = "one"});
  const LedgerNumber number = one->new_number();
  ASSERT_TRUE(one->commit({{{.number = number, .request = "r1", .tenant = "a", .started_ms = 1}},
                           {{number, {1, 0, 2, 0, 0}, {}, 0}}})
                  .ok());
  const auto two = *open_postgres_ledger({.connection = address_, .replica = "two"});
  const Result<std::unique_ptr<Ledger>> same =
      open_postgres_ledger({.connection = address_, .replica = "one"});
  ASSERT_FALSE(same.ok());
  EXPECT_EQ(same.error().code(), ErrorCode::invalid_argument);
  ASSERT_TRUE(
      one->commit(
             {{}, {{number, {1, 0, 3, 0, 0}, {}, 0}, {number, {1, 0, 5, 0, 0}, Outcome::stop, 9}}})
          .ok());
  ASSERT_TRUE(two->records({},
                           [&](const UsageRecord& record) {
                             EXPECT_EQ(record.outcome, "stop");
                             EXPECT_EQ(record.ended_ms, 9);
                             EXPECT_EQ(record.usage.answer_tokens, 5);
                           })
                  .ok());
  const std::vector<UsageTotal> before = *two->totals({});
  ASSERT_EQ(before.size(), 1U);
  EXPECT_EQ(before[0].usage.answer_tokens, 5);
  EXPECT_EQ(*two->fold(86'400'000), 1);
  EXPECT_EQ((*two->totals({}))[0].usage, before[0].usage);
  EXPECT_EQ(*two->fold(86'400'000), 0);
  EXPECT_EQ((*view_postgres_ledger(address_))->totals({})->size(), 1U);
}

TEST_F(PostgresTest, ALostConnectionComesBack) {
  const auto ledger = *open_postgres_ledger({.connection = address_, .replica = "one"});
  const auto quotas = *open_postgres_quotas(address_);
  StepLedger steps(*ledger);
  const LedgerNumber number = *steps.open({.request = "r1", .tenant = "a", .started_ms = 1});
  ASSERT_TRUE(steps.commit_step({{number, {1, 0, 1, 0, 0}, {}, 0}}).ok());
  const auto breaker = *PostgresConnection::open(address_, {});
  ASSERT_TRUE(breaker
                  ->run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()")
                  .ok());
  EXPECT_TRUE(steps.commit_step({{number, {1, 0, 2, 0, 0}, Outcome::stop, 5}}).ok());
  const Tenant tenant = tenant_with({.tokens_per_minute = 10});
  const bool at_once = quotas->status(tenant).ok();  // or by the next call
  EXPECT_TRUE(at_once || quotas->status(tenant).ok());
  ASSERT_TRUE(
      ledger
          ->records({},
                    [&](const UsageRecord& record) { EXPECT_EQ(record.usage.answer_tokens, 2); })
          .ok());
}

TEST(Postgres, WithoutADatabaseItSaysSo) {
  const Result<std::unique_ptr<Quotas>> quotas =
      open_postgres_quotas("postgresql:///none?host=/nonexistent");
  ASSERT_FALSE(quotas.ok());
  EXPECT_EQ(quotas.error().code(), ErrorCode::exhausted);
  EXPECT_FALSE(open_postgres_ledger({.connection = "postgresql://", .replica = ""}).ok());
}

}  // namespace
}  // namespace troika::serve
