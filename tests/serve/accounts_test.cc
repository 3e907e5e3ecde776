// What requests are let in for, and what is counted of them, whatever becomes of them.
#include "serve/accounts/accounts.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "serve/ledger/sqlite_ledger.h"
#include "support/temporary_folder.h"

namespace troika::testing {
namespace {

using serve::Account;
using serve::RequestFacts;
using serve::Tenant;

class AccountsTest : public ::testing::Test {
 protected:
  void open(Tenant limits) {
    tenants_ = serve::TenantStore::local(std::move(limits));
    ledger_ = *serve::open_sqlite_ledger(folder_ / "ledger.db");
    steps_ = std::make_unique<serve::StepLedger>(*ledger_);
    accounts_ = std::make_unique<serve::Accounts>(serve::AccountsOptions{.tenants = tenants_.get(),
                                                                         .quotas = &quotas_,
                                                                         .ledger = steps_.get(),
                                                                         .metrics = &metrics_});
  }

  /// A request of these facts, whose continuations may have `tokens_max` tokens each.
  std::variant<std::shared_ptr<Account>, serve::Refusal> ask(RequestFacts facts,
                                                             int64_t tokens_max) {
    serve::Caller caller{.directory = tenants_->directory()};
    caller.tenant = caller.directory->find(serve::kLocalTenant);
    facts.model = "demo";
    facts.context = 512;
    request_ = {.tokens_max = tokens_max};
    return accounts_->open(caller, facts, request_);
  }

  /// What its tenant has left of its tokens.
  int64_t left() {
    const auto status = quotas_.status(*tenants_->directory()->find(serve::kLocalTenant));
    return status->tokens->remaining;
  }

  serve::UsageRecord row(const std::string& id) {
    std::map<std::string, serve::UsageRecord> rows;
    EXPECT_TRUE(
        ledger_
            ->records({}, [&](const serve::UsageRecord& one) { rows[one.opening.request] = one; })
            .ok());
    return rows[id];
  }

  TemporaryFolder folder_;
  std::unique_ptr<serve::TenantStore> tenants_;
  std::unique_ptr<serve::Ledger> ledger_;
  std::unique_ptr<serve::StepLedger> steps_;
  serve::LocalQuotas quotas_;
  serve::ServeMetrics metrics_;
  std::unique_ptr<serve::Accounts> accounts_;
  Request request_;
};

RequestFacts prompts_of(std::string id, std::initializer_list<size_t> sizes, int64_t choices) {
  RequestFacts facts{.id = std::move(id)};
  std::vector<std::vector<TokenId>> prompts;
  for (const size_t size : sizes) prompts.emplace_back(size);
  facts.take_prompts(prompts);
  facts.choices = choices;
  facts.continuations = choices * std::ssize(prompts);
  return facts;
}

TEST_F(AccountsTest, APromptCountsOnceItHasBegunThoughNothingWasAnswered) {
  open({.quota = {.tokens_per_minute = 1000}});
  auto account = std::get<std::shared_ptr<Account>>(ask(prompts_of("r", {400}, 1), 50));
  auto waits = std::get<std::shared_ptr<Account>>(ask(prompts_of("s", {100}, 1), 50));
  EXPECT_EQ(left(), 400);
  std::vector<serve::LedgerUpdate> updates;
  const Ending ending{.finish = FinishReason::cancelled, .begun = true, .cached_tokens = 32};
  account->note({.ending = &ending, .pays_for_prompt = true}, updates);
  const Ending never_begun{.finish = FinishReason::cancelled};
  waits->note({.ending = &never_begun, .pays_for_prompt = true}, updates);
  ASSERT_TRUE(accounts_->commit(std::move(updates)).ok());
  EXPECT_EQ(row("r").usage.prompt_tokens, 400);
  EXPECT_EQ(row("r").usage.cached_tokens, 32);
  EXPECT_EQ(row("r").outcome, "cancelled");
  EXPECT_EQ(row("s").usage.prompt_tokens, 0);
  EXPECT_EQ(left(), 1000 - 400);
}

TEST_F(AccountsTest, WhatOthersDoAfterOneFailedCounts) {
  open({.quota = {.tokens_per_minute = 1000}});
  auto account = std::get<std::shared_ptr<Account>>(ask(prompts_of("r", {10}, 2), 50));
  std::vector<serve::LedgerUpdate> updates;
  const Ending refused{.status = fail(ErrorCode::exhausted, "the queue is full")};
  account->note({.ending = &refused}, updates);
  EXPECT_FALSE(updates.back().outcome.has_value());
  const Ending ending{.finish = FinishReason::stop};
  account->note({.answer_tokens = 7, .ending = &ending, .pays_for_prompt = true}, updates);
  ASSERT_TRUE(accounts_->commit(std::move(updates)).ok());
  EXPECT_EQ(row("r").usage.prompt_tokens, 10);
  EXPECT_EQ(row("r").usage.answer_tokens, 7);
  EXPECT_EQ(row("r").outcome, "failed");
  EXPECT_EQ(left(), 1000 - 17);
}

TEST_F(AccountsTest, AnOpenAnswerEndsWhereItsQuotaDoes) {
  open({.quota = {.tokens_per_minute = 100}});
  auto opened = ask(prompts_of("r", {40}, 3), -1);
  ASSERT_TRUE(std::holds_alternative<std::shared_ptr<Account>>(opened));
  EXPECT_EQ(request_.tokens_max, 20);
  EXPECT_EQ(left(), 0);
}

TEST_F(AccountsTest, ReservesNoMoreThanTheContextHasRoomFor) {
  open({.quota = {.tokens_per_minute = 600}});
  auto opened = ask(prompts_of("r", {500}, 1), 5000);
  ASSERT_TRUE(std::holds_alternative<std::shared_ptr<Account>>(opened));
  EXPECT_EQ(left(), 600 - 512);
}

TEST_F(AccountsTest, ATenantsContextBoundsEachPromptByItself) {
  open({.context_max = 100});
  auto opened = ask(prompts_of("r", {60, 90}, 1), -1);
  ASSERT_TRUE(std::holds_alternative<std::shared_ptr<Account>>(opened));
  EXPECT_EQ(request_.tokens_max, 10);
  opened = ask(prompts_of("s", {100}, 1), 1);
  EXPECT_EQ(std::get<serve::Refusal>(opened).code, "context_length_exceeded");
}

TEST_F(AccountsTest, ACommitWithoutUpdatesWritesWhatWaits) {
  open({});
  const auto account = ask(prompts_of("r", {4}, 1), 5);
  ASSERT_TRUE(accounts_->commit({}).ok());
  EXPECT_EQ(row("r").opening.request, "r");
}

}  // namespace
}  // namespace troika::testing
