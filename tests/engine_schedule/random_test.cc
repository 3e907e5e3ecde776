// Random requests, cancellations, deadlines and preemptions on tiny machines, checked after every
// step against a second book of what must be true.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "engine/scheduler.h"

namespace troika::testing {
namespace {

constexpr int32_t kTenants = 5;
constexpr int64_t kPageTokensHere = 8;

struct Text {
  TenantId tenant{};
  int64_t prompt = 0;
  int64_t tokens_max = 0;
  int64_t unread = 0;
  int64_t written = 0;
  int64_t pages = 0;
  bool at_work = false;
  bool spilled = false;
  bool was_at_work = false;
};

class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    SchedulerOptions options{.page_tokens = kPageTokensHere, .ageing_s = 5, .patience_s = 0.3};
    options.slots_reserved = below(2);
    scheduler_ = std::move(Scheduler::make(options)).value();
    scheduler_->set_preemption_costs({.spill_page = 4, .can_spill = below(2) == 0});
    for (int32_t t = 0; t < kTenants; t++) set_tenant(t);
    slots_ = 1 + below(40);
    pages_ = 40 + below(200);
  }

  void step() {
    now_s_ += 0.01 * static_cast<double>(below(20));
    for (int64_t n = below(4); n > 0; n--) submit();
    if (below(10) == 0) cancel();
    if (below(20) == 0) preempt();
    if (below(50) == 0) set_tenant(static_cast<int32_t>(below(kTenants)));
    plan();
    check();
  }

  /// Takes no more requests until all are done.
  void drain() {
    for (int64_t i = 0; !texts_.empty(); i++) {
      ASSERT_LT(i, 100000) << texts_.size() << " texts are never done";
      now_s_ += 0.05;
      plan();
      if (i % 100 == 0) check();
    }
    check();
  }

 private:
  int64_t below(int64_t n) { return std::uniform_int_distribution<int64_t>(0, n - 1)(random_); }

  void set_tenant(int32_t t) {
    const TenantPolicy policy{.weight = 0.5 + static_cast<double>(below(4)),
                              .queue_max = 1 + below(12),
                              .sequences_max = 1 + below(20)};
    ASSERT_TRUE(scheduler_->set_tenant(TenantId{t}, policy).ok());
    policies_[t] = policy;
  }

  void submit() {
    const TenantId tenant{static_cast<int32_t>(below(kTenants))};
    const auto id = RequestId{next_id_++};
    const int64_t prompt = 1 + below(120);
    const int64_t tokens_max = 1 + below(80);
    const double deadline_s =
        below(4) == 0 ? now_s_ + 0.1 + 0.1 * static_cast<double>(below(100)) : 1e18;
    const int64_t waiting = scheduler_->statistics(tenant)->waiting;
    const Result<Admission> admission =
        scheduler_->submit(now_s_, {.id = id,
                                    .tenant = tenant,
                                    .priority = kAllClasses[below(3)],
                                    .prompt_tokens = prompt,
                                    .cached_tokens = below(3) == 0 ? below(prompt) : 0,
                                    .tokens_max = tokens_max,
                                    .deadline_s = deadline_s});
    ASSERT_TRUE(admission.ok()) << admission.error().message();
    if (admission->admitted) {
      EXPECT_LT(waiting, policies_[static_cast<int32_t>(tenant)].queue_max);
      texts_[id] = {.tenant = tenant, .prompt = prompt, .tokens_max = tokens_max};
    } else {
      EXPECT_GT(admission->retry_after_s, 0);
      EXPECT_FALSE(scheduler_->knows(id));
    }
  }

  RequestId any() {
    auto at = texts_.begin();
    std::advance(at, below(std::ssize(texts_)));
    return at->first;
  }

  void cancel() {
    if (texts_.empty()) return;
    const RequestId id = any();
    EXPECT_TRUE(scheduler_->cancel(now_s_, id).ok());
    EXPECT_FALSE(scheduler_->cancel(now_s_, id).ok());
    texts_.erase(id);
  }

  void preempt() {
    if (texts_.empty()) return;
    const RequestId id = any();
    Text& text = texts_.at(id);
    const bool spill = below(2) == 0;
    const PreemptionKind kind = spill ? PreemptionKind::spill : PreemptionKind::recompute;
    EXPECT_EQ(scheduler_->preempt(now_s_, id, kind).ok(), text.at_work);
    if (!text.at_work) return;
    set_aside(text, kind);
  }

  static void set_aside(Text& text, PreemptionKind kind) {
    text.at_work = false;
    text.spilled = kind == PreemptionKind::spill;
    text.pages = 0;
  }

  int64_t in_use(int64_t Text::*field) const {
    int64_t sum = 0;
    for (const auto& [id, text] : texts_) sum += text.at_work ? text.*field : 0;
    return sum;
  }

  int64_t at_work() const {
    return std::ranges::count_if(texts_, [](const auto& t) { return t.second.at_work; });
  }

  void start(const ScheduledStep::Start& start) {
    Text& text = texts_.at(start.id);
    ASSERT_FALSE(text.at_work);
    EXPECT_EQ(start.resumed, text.was_at_work);
    EXPECT_EQ(start.restored, text.spilled);
    text.at_work = text.was_at_work = true;
    const int64_t all = text.written == 0 ? text.prompt : text.prompt + text.written - 1;
    if (!start.restored) {
      ASSERT_LE(start.cached_tokens, text.written == 0 ? all - 1 : all);
      text.unread = all - start.cached_tokens;
      if (below(8) == 0 && start.cached_tokens > 0) {  // less was there than it seemed
        EXPECT_TRUE(scheduler_->found_cached(start.id, start.cached_tokens / 2).ok());
        text.unread = all - start.cached_tokens / 2;
      }
    }
    text.spilled = false;
  }

  void take_pages(Text& text) {
    const int64_t held = text.prompt + text.written - text.unread + 1;
    text.pages = std::max(text.pages, (held + kPageTokensHere - 1) / kPageTokensHere);
  }

  /// Counts rows, and ends texts at their length or, now and then, before.
  void compute(RequestId id, int64_t rows, bool decode) {
    Text& text = texts_.at(id);
    ASSERT_TRUE(text.at_work);
    Service service;
    if (decode) {
      ASSERT_EQ(text.unread, 0);
    } else {
      ASSERT_GE(rows, 1);
      rows = std::min(rows, text.unread);  // found_cached may have changed what is left
      if (below(10) == 0) rows = 1 + below(rows);
      service.prompt_tokens = rows;
      text.unread -= rows;
    }
    if (text.unread == 0 && (decode || text.written == 0)) {
      service.generated_tokens = std::min(1 + below(3), text.tokens_max - text.written);
      service.rejected_tokens = below(3);
      text.written += service.generated_tokens;
    }
    take_pages(text);
    EXPECT_FALSE(scheduler_->account(now_s_, id, {.prompt_tokens = text.unread + rows + 1}).ok());
    ASSERT_TRUE(scheduler_->account(now_s_, id, service).ok());
    Sums& sums = sums_[static_cast<int32_t>(text.tenant)];
    sums.read += service.prompt_tokens;
    sums.written += service.generated_tokens;
    sums.rejected += service.rejected_tokens;
    if (text.written == 0 || (text.written < text.tokens_max && below(100) > 0)) return;
    EXPECT_TRUE(scheduler_->finish(now_s_, id).ok());
    texts_.erase(id);
  }

  void plan() {
    const StepLimits limits{.rows_max = 10 + below(60),
                            .prompt_rows_max = 5 + below(40),
                            .slots_free = slots_ - at_work(),
                            .pages_free = pages_ - in_use(&Text::pages),
                            .rows_each = 4};
    const ScheduledStep step = scheduler_->plan(now_s_, limits);
    std::set<RequestId> touched;
    for (const RequestId id : step.expired) {
      EXPECT_TRUE(touched.insert(id).second);
      texts_.erase(id);
    }
    for (const auto& preemption : step.preempted) {
      EXPECT_TRUE(touched.insert(preemption.id).second);
      ASSERT_TRUE(texts_.at(preemption.id).at_work);
      set_aside(texts_.at(preemption.id), preemption.kind);
    }
    for (const auto& started : step.started) {
      EXPECT_TRUE(touched.insert(started.id).second);
      start(started);
    }
    EXPECT_LE(at_work(), slots_);
    int64_t prompt_rows = 0;
    std::set<RequestId> with_rows;
    for (const auto& prompt : step.prompts) {
      prompt_rows += prompt.rows;
      EXPECT_TRUE(with_rows.insert(prompt.id).second);
    }
    for (const RequestId id : step.decodes) EXPECT_TRUE(with_rows.insert(id).second);
    EXPECT_LE(prompt_rows, limits.prompt_rows_max);
    EXPECT_EQ(prompt_rows + std::ssize(step.decodes) + step.rows_left, limits.rows_max);
    EXPECT_GE(step.rows_left, 0);
    EXPECT_TRUE(at_work() == 0 || !step.empty()) << "nobody works though somebody could";
    for (const RequestId id : step.decodes)
      if (texts_.at(id).unread == 0) compute(id, 0, true);
    for (const auto& prompt : step.prompts) compute(prompt.id, prompt.rows, false);
    EXPECT_LE(in_use(&Text::pages), pages_);
  }

  void check() {
    std::map<int32_t, int64_t> waiting, running;
    for (const auto& [id, text] : texts_) {
      (text.at_work ? running : waiting)[static_cast<int32_t>(text.tenant)]++;
      EXPECT_TRUE(scheduler_->knows(id));
    }
    EXPECT_EQ(scheduler_->running(), at_work());
    EXPECT_EQ(scheduler_->waiting(), std::ssize(texts_) - at_work());
    for (int32_t t = 0; t < kTenants; t++) {
      const TenantStatistics s = *scheduler_->statistics(TenantId{t});
      EXPECT_EQ(s.waiting, waiting[t]);
      EXPECT_EQ(s.running, running[t]);
      EXPECT_EQ(s.submitted, s.finished + s.cancelled + s.expired + s.waiting + s.running);
      EXPECT_EQ(s.served.prompt + s.served.recomputed, sums_[t].read);
      EXPECT_EQ(s.served.generated, sums_[t].written);
      EXPECT_EQ(s.served.rejected, sums_[t].rejected);
      EXPECT_GE(s.set_aside, 0);
      EXPECT_LE(s.set_aside, s.waiting);
      // Charged: what was served, and what prompts at work paid in advance.
      const TokenCosts costs;
      const double served = costs.prompt * static_cast<double>(s.served.prompt) +
                            costs.generated * static_cast<double>(s.served.generated) +
                            costs.cached * static_cast<double>(s.served.cached) +
                            costs.rejected * static_cast<double>(s.served.rejected);
      double prepaid_max = 0;
      for (const auto& [id, text] : texts_)
        if (text.at_work && text.tenant == TenantId{t})
          prepaid_max += static_cast<double>(std::min(text.unread, text.prompt));
      EXPECT_GE(s.cost, served - 1e-6);
      EXPECT_LE(s.cost, served + prepaid_max + 1e-6);
    }
  }

  struct Sums {
    int64_t read = 0, written = 0, rejected = 0;
  };
  std::mt19937_64 random_;
  std::unique_ptr<Scheduler> scheduler_;
  std::map<RequestId, Text> texts_;
  std::map<int32_t, TenantPolicy> policies_;
  std::map<int32_t, Sums> sums_;
  int64_t slots_ = 0, pages_ = 0, next_id_ = 0;
  double now_s_ = 0;
};

TEST(RandomSchedules, KeepEveryPromise) {
  for (uint64_t seed = 0; seed < 60; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    for (int i = 0; i < 400 && !HasFailure(); i++) world.step();
    if (HasFailure()) return;
    world.drain();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace troika::testing
