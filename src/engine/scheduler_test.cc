// The scheduler by hand: refusals, rows, pages, prices. Whole days: tests/engine_schedule.
#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace troika {
namespace {

constexpr TenantId kA{1};
constexpr TenantId kB{2};

/// Memory without end, where requests may be told to find their prompts with another.
class Beginnings final : public PageView {
 public:
  int64_t cached_tokens(RequestId) const override { return 0; }
  int64_t pages_wanted(RequestId, int64_t) const override { return 0; }
  int64_t pages_freed(RequestId) const override { return 0; }
  std::optional<RequestId> prefix_reader(RequestId id) const override {
    return id == RequestId{2} ? std::optional(RequestId{1}) : std::nullopt;
  }
};

class SchedulerTest : public ::testing::Test {
 protected:
  void make(const SchedulerOptions& options = {.slots_reserved = 0}) {
    s_ = std::move(Scheduler::make(options)).value();
    for (const TenantId tenant : {kA, kB}) ASSERT_TRUE(s_->set_tenant(tenant, {}).ok());
  }

  Admission submit(int64_t id, TenantId tenant, int64_t prompt, int64_t tokens_max = 10,
                   PriorityClass priority = PriorityClass::normal) {
    return s_
        ->submit(0, {.id = RequestId{id},
                     .tenant = tenant,
                     .priority = priority,
                     .prompt_tokens = prompt,
                     .tokens_max = tokens_max})
        .value();
  }

  const ScheduledStep& plan(int64_t prompt_rows = 100, int64_t slots = 8, int64_t pages = 100) {
    return s_->plan(0, {.rows_max = 120,
                        .prompt_rows_max = prompt_rows,
                        .slots_free = slots,
                        .pages_free = pages});
  }

  void count(int64_t id, const Service& service) {
    ASSERT_TRUE(s_->account(0, RequestId{id}, service).ok());
  }

  TenantStatistics of(TenantId tenant) { return *s_->statistics(tenant); }

  std::unique_ptr<Scheduler> s_;
};

TEST_F(SchedulerTest, RefusesWhatMakesNoSense) {
  for (const SchedulerOptions& options :
       {SchedulerOptions{.page_tokens = 0}, SchedulerOptions{.requests_max = 0},
        SchedulerOptions{.ageing_s = 0}, SchedulerOptions{.slots_reserved = -1},
        SchedulerOptions{.patience_s = -1}, SchedulerOptions{.step_s = 0}})
    EXPECT_FALSE(Scheduler::make(options).ok());
  make();
  EXPECT_FALSE(s_->set_tenant(kA, {.weight = 0}).ok());
  EXPECT_FALSE(s_->set_tenant(kA, {.queue_max = -1}).ok());
  EXPECT_FALSE(s_->set_tenant(kA, {.sequences_max = 0}).ok());
  EXPECT_FALSE(s_->set_costs({.prompt = -1}).ok());
  ASSERT_TRUE(s_->set_tenant(kB, {.highest = PriorityClass::normal}).ok());
  const ScheduledRequest good{
      .id = RequestId{1}, .tenant = kB, .prompt_tokens = 5, .tokens_max = 5};
  const auto refusal = [&](auto change) {
    ScheduledRequest request = good;
    change(request);
    const auto admission = s_->submit(3, request);
    return admission.ok() ? "" : admission.error().message();
  };
  EXPECT_EQ(refusal([](auto& r) { r.tenant = TenantId{9}; }), "tenant 9 is not known");
  EXPECT_NE(refusal([](auto& r) { r.prompt_tokens = 0; }).find("the prompt is 0"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& r) { r.tokens_max = 0; }), "");
  EXPECT_NE(refusal([](auto& r) { r.cached_tokens = 5; }), "");
  EXPECT_NE(refusal([](auto& r) { r.deadline_s = 3; }).find("deadline at 3 s"), std::string::npos);
  EXPECT_EQ(refusal([](auto& r) { r.priority = PriorityClass::interactive; }),
            "tenant 2 asks for class interactive, wanted normal at most");
  EXPECT_EQ(refusal([](auto&) {}), "");
  EXPECT_EQ(refusal([](auto&) {}), "request 1 is there already, wanted a new id");
  EXPECT_EQ(s_->finish(3, RequestId{1}).error().code(), ErrorCode::not_found);  // not at work
  EXPECT_EQ(s_->cancel(3, RequestId{2}).error().code(), ErrorCode::not_found);
  EXPECT_EQ(s_->statistics(TenantId{9}).error().code(), ErrorCode::not_found);
  EXPECT_TRUE(s_->cancel(3, RequestId{1}).ok());
  EXPECT_EQ(of(kB).cancelled, 1);
}

TEST_F(SchedulerTest, AFullQueueTellsWhenToComeAgain) {
  make();
  ASSERT_TRUE(s_->set_tenant(kA, {.queue_max = 2}).ok());
  EXPECT_TRUE(submit(1, kA, 10).admitted);
  EXPECT_TRUE(submit(2, kA, 10).admitted);
  const Admission refused = submit(3, kA, 10);
  EXPECT_FALSE(refused.admitted);
  EXPECT_GT(refused.retry_after_s, 0);
  EXPECT_FALSE(s_->knows(RequestId{3}));
  EXPECT_TRUE(submit(4, kB, 10).admitted);
  EXPECT_EQ(of(kA).refused, 1);
}

TEST_F(SchedulerTest, AddsUpTheLimitsOfAllTenants) {
  make({.requests_max = 2, .slots_reserved = 0});
  EXPECT_TRUE(submit(1, kA, 10).admitted);
  EXPECT_TRUE(submit(2, kB, 10).admitted);
  EXPECT_FALSE(submit(3, kA, 10).admitted);
}

TEST_F(SchedulerTest, CutsPromptsAndLetsWritersGoFirst) {
  make();
  submit(1, kA, 150, 5);
  const ScheduledStep& first = plan();
  ASSERT_EQ(first.started.size(), 1u);
  ASSERT_EQ(first.prompts.size(), 1u);
  EXPECT_EQ(first.prompts[0].rows, 100);
  EXPECT_EQ(first.rows_left, 20);
  count(1, {.prompt_tokens = 100});
  submit(2, kB, 30, 5);
  const ScheduledStep& second = plan(100, 7);
  ASSERT_EQ(second.prompts.size(), 2u);
  EXPECT_EQ(second.prompts[0].rows, 50);
  EXPECT_EQ(second.prompts[1].rows, 30);
  count(1, {.prompt_tokens = 50, .generated_tokens = 1});
  count(2, {.prompt_tokens = 20});
  const ScheduledStep& third = plan(100, 6);
  EXPECT_EQ(third.decodes, std::vector{RequestId{1}});
  ASSERT_EQ(third.prompts.size(), 1u);
  EXPECT_EQ(third.prompts[0].rows, 10);
  EXPECT_EQ(third.rows_left, 109);
  EXPECT_FALSE(s_->account(0, RequestId{2}, {.prompt_tokens = 11}).ok());
  EXPECT_FALSE(s_->account(0, RequestId{2}, {.generated_tokens = -1}).ok());
}

TEST_F(SchedulerTest, ChargesWhatWasDone) {
  make();
  ASSERT_TRUE(s_->set_costs({.prompt = 10, .generated = 100, .cached = 1, .rejected = 1000}).ok());
  ASSERT_TRUE(s_->submit(0, {.id = RequestId{1},
                             .tenant = kA,
                             .prompt_tokens = 20,
                             .cached_tokens = 5,
                             .tokens_max = 9})
                  .ok());
  EXPECT_EQ(plan().started[0].cached_tokens, 5);
  EXPECT_EQ(of(kA).cost, 5 * 1 + 15 * 10);  // a prompt is charged when it starts
  ASSERT_TRUE(s_->found_cached(RequestId{1}, 3).ok());
  EXPECT_FALSE(s_->found_cached(RequestId{1}, 20).ok());
  EXPECT_EQ(of(kA).cost, 3 * 1 + 17 * 10);
  count(1, {.prompt_tokens = 7});
  EXPECT_FALSE(s_->found_cached(RequestId{1}, 3).ok());
  EXPECT_EQ(of(kA).cost, 3 * 1 + 17 * 10);
  // Set aside and resumed: what was read is read again, and not charged again.
  ASSERT_TRUE(s_->preempt(0, RequestId{1}, PreemptionKind::recompute).ok());
  EXPECT_EQ(of(kA).cost, 3 * 1 + 7 * 10);
  EXPECT_EQ(of(kA).set_aside, 1);
  const ScheduledStep& again = plan();
  EXPECT_TRUE(again.started[0].resumed);
  EXPECT_FALSE(again.started[0].restored);
  ASSERT_EQ(again.prompts[0].rows, 15);
  count(1, {.prompt_tokens = 15, .generated_tokens = 2, .rejected_tokens = 1});
  const TenantStatistics a = of(kA);
  EXPECT_EQ(a.cost, 3 * 1 + 17 * 10 + 2 * 100 + 1000);
  EXPECT_EQ(a.counters[1], a.cost);
  EXPECT_EQ(a.served.cached, 3);
  EXPECT_EQ(a.served.prompt, 17);
  EXPECT_EQ(a.served.recomputed, 5);
  EXPECT_EQ(a.served.generated, 2);
  EXPECT_EQ(a.served.rejected, 1);
  // Spilled and restored: it writes at once.
  ASSERT_TRUE(s_->preempt(0, RequestId{1}, PreemptionKind::spill).ok());
  const ScheduledStep& restored = plan();
  EXPECT_TRUE(restored.started[0].restored);
  EXPECT_EQ(restored.decodes, std::vector{RequestId{1}});
  ASSERT_TRUE(s_->finish(0, RequestId{1}).ok());
  EXPECT_EQ(of(kA).cost, a.cost);
  EXPECT_EQ(of(kA).finished, 1);
}

TEST_F(SchedulerTest, WhatCouldNotBeSpilledIsReadAgain) {
  make();
  EXPECT_EQ(s_->forget_spill(RequestId{1}).error().code(), ErrorCode::not_found);
  submit(1, kA, 20);
  plan();
  count(1, {.prompt_tokens = 20, .generated_tokens = 2});
  EXPECT_EQ(s_->forget_spill(RequestId{1}).error().code(), ErrorCode::invalid_argument);
  ASSERT_TRUE(s_->preempt(0, RequestId{1}, PreemptionKind::spill).ok());
  ASSERT_TRUE(s_->forget_spill(RequestId{1}).ok());
  const ScheduledStep& again = plan();
  EXPECT_FALSE(again.started[0].restored);
  ASSERT_EQ(again.prompts.size(), 1u);
  EXPECT_EQ(again.prompts[0].rows, 21);
}

TEST_F(SchedulerTest, WhoFindsABeginningLaterWaitsWhileItIsRead) {
  make();
  const Beginnings pages;
  const auto plan_rows = [&](int64_t rows) {
    return s_
        ->plan(0, {.rows_max = rows,
                   .prompt_rows_max = rows,
                   .slots_free = 8,
                   .pages_free = 100,
                   .pages = &pages})
        .prompts;
  };
  submit(1, kA, 60);
  submit(2, kA, 60);
  submit(3, kA, 10);
  auto prompts = plan_rows(130);
  ASSERT_EQ(prompts.size(), 2u);
  EXPECT_EQ(prompts[0].id, RequestId{1});
  EXPECT_EQ(prompts[1].id, RequestId{3});
  // Nobody reads it any more.
  ASSERT_TRUE(s_->cancel(0, RequestId{1}).ok());
  prompts = plan_rows(130);
  ASSERT_FALSE(prompts.empty());
  EXPECT_EQ(prompts[0].id, RequestId{2});
}

TEST_F(SchedulerTest, GivesBackWhatWasNotRead) {
  make();
  submit(1, kA, 80);
  plan(30);
  count(1, {.prompt_tokens = 30});
  EXPECT_EQ(of(kA).cost, 80);
  ASSERT_TRUE(s_->cancel(0, RequestId{1}).ok());
  EXPECT_EQ(of(kA).cost, 30);
}

TEST_F(SchedulerTest, SetsAsideWhoComesLastWhenPagesRunOut) {
  make({.page_tokens = 10, .slots_reserved = 0});
  submit(1, kA, 10, 100);
  submit(2, kB, 10, 100);
  plan(100, 2, 100);
  count(1, {.prompt_tokens = 10, .generated_tokens = 1});
  count(2, {.prompt_tokens = 10, .generated_tokens = 10});
  // Each holds two pages; the second, whose tenant has had more, wants a third and there is none.
  const ScheduledStep& step = plan(100, 0, 0);
  EXPECT_EQ(step.decodes, std::vector{RequestId{1}});
  ASSERT_EQ(step.preempted.size(), 1u);
  EXPECT_EQ(step.preempted[0].id, RequestId{2});
  EXPECT_TRUE(step.started.empty());
  EXPECT_EQ(of(kB).preempted, 1);
  EXPECT_EQ(of(kB).waiting, 1);
  // It comes back when there is room for what it will hold.
  count(1, {.generated_tokens = 1});
  EXPECT_TRUE(plan(100, 1, 5).started.empty());
  EXPECT_EQ(plan(100, 1, 100).started.size(), 1u);
}

TEST_F(SchedulerTest, AsksForPagesThroughAView) {
  struct View final : PageView {
    int64_t cached_tokens(RequestId) const override { return 60; }
    int64_t pages_wanted(RequestId id, int64_t tokens) const override {
      return id == RequestId{1} ? tokens / 10 : 1000;
    }
    int64_t pages_freed(RequestId) const override { return 1; }
  } view;
  make();
  submit(1, kA, 80, 20);
  submit(2, kB, 80, 20);
  const ScheduledStep& step = s_->plan(
      0,
      {.rows_max = 100, .prompt_rows_max = 100, .slots_free = 4, .pages_free = 20, .pages = &view});
  EXPECT_TRUE(step.started.empty());  // 2 came last, goes first, and does not fit
  ASSERT_TRUE(s_->cancel(0, RequestId{2}).ok());
  const ScheduledStep& next = s_->plan(
      0,
      {.rows_max = 100, .prompt_rows_max = 100, .slots_free = 4, .pages_free = 20, .pages = &view});
  ASSERT_EQ(next.prompts.size(), 1u);
  EXPECT_EQ(next.started[0].cached_tokens, 60);
  EXPECT_EQ(next.prompts[0].rows, 20);
}

TEST_F(SchedulerTest, KeepsToTheLimitOfATenant) {
  make();
  ASSERT_TRUE(s_->set_tenant(kA, {.sequences_max = 2}).ok());
  for (int64_t id = 0; id < 5; id++) submit(id, kA, 5);
  submit(9, kB, 5);
  EXPECT_EQ(plan().started.size(), 3u);
  EXPECT_EQ(of(kA).running, 2);
  ASSERT_TRUE(s_->set_tenant(kA, {.sequences_max = 3}).ok());
  EXPECT_EQ(plan(100, 5).started.size(), 1u);
}

TEST_F(SchedulerTest, ForgetsWhatIsTooLate) {
  make();
  for (const int64_t id : {1, 2})
    ASSERT_TRUE(s_->submit(0, {.id = RequestId{id},
                               .tenant = kA,
                               .prompt_tokens = 5,
                               .tokens_max = 5,
                               .deadline_s = id == 1 ? 1.0 : 2.0})
                    .ok());
  EXPECT_EQ(plan(100, 1).started.size(), 1u);
  const StepLimits limits{
      .rows_max = 100, .prompt_rows_max = 100, .slots_free = 0, .pages_free = 100};
  const ScheduledStep& step = s_->plan(1, limits);
  EXPECT_EQ(step.expired, std::vector{RequestId{1}});  // was at work
  EXPECT_EQ(step.started.size(), 1u);                  // and has left its slot
  EXPECT_EQ(s_->plan(2, limits).expired, std::vector{RequestId{2}});
  EXPECT_EQ(of(kA).expired, 2);
  EXPECT_EQ(s_->running() + s_->waiting(), 0);
}

TEST_F(SchedulerTest, SharesRowsWhenThereAreTooFew) {
  make();
  for (int64_t id = 0; id < 6; id++) submit(id, id == 5 ? kB : kA, 1, 50);
  plan();
  for (int64_t id = 0; id < 6; id++) count(id, {.prompt_tokens = 1, .generated_tokens = 1});
  for (int i = 0; i < 5; i++) {
    const ScheduledStep step =
        s_->plan(0, {.rows_max = 2, .prompt_rows_max = 2, .slots_free = 0, .pages_free = 100});
    ASSERT_EQ(step.decodes.size(), 2u);
    EXPECT_EQ(std::ranges::count(step.decodes, RequestId{5}), 1);  // the other tenant has had more
    for (const RequestId id : step.decodes)
      count(static_cast<int64_t>(id), {.generated_tokens = 1});
  }
}

}  // namespace
}  // namespace troika
