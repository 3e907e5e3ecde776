// Who is computed next: a pure state machine over the requests of all tenants. No clock, no device,
// no thread, no token: times are told (seconds on any clock that only goes forward), memory is
// asked about, work is counted. A simulated day is a unit test.
//
// Use, in each step of the engine:
//   const ScheduledStep& step = scheduler.plan(now, limits);
//     let go of step.expired; set aside step.preempted; bring in step.started;
//     compute one row (and drafts, in what is left of the rows) for each of step.decodes,
//     and the next `rows` rows of each of step.prompts
//   scheduler.account(now, id, service) for each request that was computed
//   scheduler.finish(now, id) for each that ended
//
// The rule. Requests wait in their tenant's queue. The most urgent class goes first, inside it the
// tenant with the least virtual token counter (engine/virtual_counters.h), inside a tenant who came
// first. A prompt is charged when it starts, what is written as it is written, so the
// difference in service of two tenants that both wait stays below 2 max(prompt cost, cost of what
// the batch holds), as in arXiv 2401.00588, section 4; docs/fairness.md has it measured. Nothing
// is held back while there is room: a tenant alone gets the whole machine.
//
// Rows. Sequences that write go first: a row each. Prompts share what is left, in the order of
// when they started plus a slack that grows with what their tenant had at work by then: the first
// text of one who has nothing does not wait behind the fiftieth of another, and none waits for
// ever. This order is no matter of service: prompts were charged before. A prompt that begins like
// one that gets rows before it waits in that step: it will find the beginning in the cache.
//
// Thread: one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "engine/preemption.h"
#include "engine/retry_estimate.h"
#include "engine/tenants.h"
#include "engine/virtual_counters.h"
#include "engine/waiting_line.h"

namespace troika {

struct SchedulerOptions {
  int64_t page_tokens = 64;        // of a page, where no PageView is given
  int64_t requests_max = 1 << 16;  // waiting and at work together; more are refused
  double ageing_s = 30;  // without a start after which a class that waits goes before all others
  /// Slots that only tenants with nothing at work may take, so that who comes back finds room at
  /// once beside a flood. At most all but one; 1 of 32 costs at most 3 % of throughput.
  int64_t slots_reserved = 1;
  /// For each sequence (by weight) that its tenant has at work, a prompt is read as if it had come
  /// this much later, up to slack_s_max.
  double slack_s = 0.25;
  double slack_s_max = 10;
  /// A request that waited this long may have a sequence set aside for it: one of a less urgent
  /// class, or, if its tenant has nothing at work, one of a tenant with several that is ahead of it
  /// by more than preempt_ahead times what a request costs on average.
  double patience_s = 2;
  double preempt_ahead = 4;
  double step_s = 0.05;  // a step is expected to take, until some were seen
};

/// One text to write.
struct ScheduledRequest {
  RequestId id{};  // any number that is not in use
  TenantId tenant{};
  PriorityClass priority = PriorityClass::normal;
  int64_t prompt_tokens = 0;  // at least 1
  int64_t cached_tokens = 0;  // of these known to be computed; where no PageView is given
  int64_t tokens_max = 0;     // of the answer, at least 1
  double deadline_s = std::numeric_limits<double>::infinity();
};

/// What became of a submission.
struct Admission {
  bool admitted = false;
  double retry_after_s = 0;  // if not: when a place will have become free; positive
};

/// What plan() asks about memory, answered by who owns it. Answers may change between calls of
/// plan(), and within one only by what it decides.
class PageView {
 public:
  virtual ~PageView() = default;
  /// Leading tokens of a request that is about to start (or to be resumed after recompute) that
  /// need not be read; less than it has.
  virtual int64_t cached_tokens(RequestId id) const = 0;
  /// Pages that must be taken before the request holds `tokens` tokens: beyond what it holds, and,
  /// for one that waits, beyond what it would share.
  virtual int64_t pages_wanted(RequestId id, int64_t tokens) const = 0;
  /// Pages that become free when it is set aside.
  virtual int64_t pages_freed(RequestId id) const = 0;
  /// For a request at work that has read nothing yet: another one that is reading the same
  /// beginning, of which this one will find at least a page in the cache.
  virtual std::optional<RequestId> prefix_reader(RequestId /*id*/) const { return std::nullopt; }
};

/// How much there is room for.
struct StepLimits {
  int64_t rows_max = 0;             // of the step
  int64_t prompt_rows_max = 0;      // of these for prompts: what bounds the pace of those who write
  int64_t slots_free = 0;           // sequences that could be brought in
  int64_t pages_free = 0;           // at once, those that a cache would give up included
  int64_t rows_each = 1;            // that a sequence may bring at most, drafts included: its pages
  const PageView* pages = nullptr;  // borrowed; null: whole pages of page_tokens, nothing shared
};

/// What a step does. Lists are in the order in which to do it: expired, preempted, started.
struct ScheduledStep {
  struct Rows {
    RequestId id{};
    int64_t rows = 0;
  };
  struct Start {
    RequestId id{};
    int64_t cached_tokens = 0;  // that the plan counts on: reading begins behind them
    bool resumed = false;       // was at work before
    bool restored = false;      // what was spilled is to be read back; nothing is read again
  };
  struct Preemption {
    RequestId id{};
    PreemptionKind kind = PreemptionKind::recompute;
  };
  std::vector<RequestId> expired;  // past their deadlines; the scheduler has forgotten them
  std::vector<Preemption> preempted;
  std::vector<Start> started;
  std::vector<RequestId> decodes;  // write: one row each, and drafts
  std::vector<Rows> prompts;       // read: so many rows each, from where they are
  int64_t rows_left = 0;           // of rows_max: room for drafts

  /// Whether there are no rows.
  bool empty() const { return decodes.empty() && prompts.empty(); }
  /// Whether it changes who is at work.
  bool changes() const { return !expired.empty() || !preempted.empty() || !started.empty(); }
};

class Scheduler {
 public:
  /// Errors: invalid_argument — an option out of its range.
  static Result<std::unique_ptr<Scheduler>> make(const SchedulerOptions& options);

  /// Makes a tenant known, or changes what it may. Errors: invalid_argument — a weight or a limit
  /// out of its range.
  Status set_tenant(TenantId tenant, const TenantPolicy& policy);

  /// What tokens cost from now on; negative ones are refused. What was charged stays.
  Status set_costs(const TokenCosts& costs);
  void set_preemption_costs(const PreemptionCosts& costs) { preemption_costs_ = costs; }

  /// Puts a request into its tenant's queue, or refuses it for now: queue_max wait already, or the
  /// places left are kept for others who were refused before. Who comes again when told, under the
  /// same id, finds its place kept for a while.
  /// Errors: not_found — an unknown tenant; invalid_argument — an id that is in use, counts out of
  /// range, a deadline that has passed, a class more urgent than the tenant's policy allows.
  Result<Admission> submit(double now_s, const ScheduledRequest& request);

  /// Decides a step. What it says has happened as far as the scheduler is concerned. Valid until
  /// the next call. Steps with rows take place until the next call, for the pace. Cost:
  /// O(at work log at work + changes log tenants); allocates nothing once lists have grown.
  const ScheduledStep& plan(double now_s, const StepLimits& limits);

  /// Counts what a step did for a request at work. Errors: not_found; invalid_argument — a negative
  /// count, or more prompt rows than it had left to read: nothing is counted.
  Status account(double now_s, RequestId id, const Service& service);

  /// A request that plan() started found other than the planned number of tokens in the cache: call
  /// it before its first account(). Errors: not_found; invalid_argument.
  Status found_cached(RequestId id, int64_t tokens);

  /// The engine had to set a request aside that plan() did not. Errors: not_found.
  Status preempt(double now_s, RequestId id, PreemptionKind kind);

  /// What was to be spilled of a request that waits is not there: it will be read again. Errors:
  /// not_found; invalid_argument — it is at work, or was not set aside so.
  Status forget_spill(RequestId id);

  /// A request at work has written its last token. Errors: not_found.
  Status finish(double now_s, RequestId id);
  /// Forgets a request, waiting or at work. Errors: not_found.
  Status cancel(double now_s, RequestId id);

  int64_t waiting() const { return waiting_; }
  int64_t running() const { return std::ssize(running_); }
  bool knows(RequestId id) const { return requests_.contains(id); }

  /// Errors: not_found — an unknown tenant.
  Result<TenantStatistics> statistics(TenantId tenant) const;

  /// Tells `each` of every tenant, in the order in which they became known.
  void for_each_tenant(const std::function<void(TenantId, const TenantStatistics&)>& each) const;

 private:
  struct Tenant {
    TenantId id{};
    TenantPolicy policy;
    WaitingLine line;
    RetryTickets tickets;
    TenantStatistics statistics;
    double answer_share = 1;  // of tokens_max that its answers take, as seen
    double request_cost = 0;  // of one, as expected when it came; 0: none did
  };

  struct Record {
    ScheduledRequest request;
    int32_t tenant = 0;
    double submitted_s = 0;
    double waits_since_s = 0;  // now less all its waits; at work, the negative of these
    bool running = false;
    bool spilled = false;
    bool started = false;  // once at least
    // While at work.
    int64_t level = 0;  // its class, or 0 if that had been passed over for long
    int64_t start_number = 0;
    double read_key_s = 0;  // the order in which prompts are read
    int64_t unread = 0;     // rows until it writes
    int64_t read = 0;       // leading tokens that are computed, while it reads
    int64_t generated = 0;
    int64_t paid = 0;            // leading prompt tokens that were charged
    int64_t paid_before = 0;     // `paid` when it started
    int64_t cached_charged = 0;  // tokens, when it started
    double prepaid = 0;          // of the cost of rows not read yet
    int64_t pages = 0;           // held, where no PageView is given
    int64_t planned_in = -1;     // the last plan that brought it in or gave it rows
    int64_t read_in = -1;        // the last plan that gave it rows of its prompt
    bool counted = false;        // some of its rows were counted since it started
    int64_t set_aside_in = -1;   // the last plan that set it aside

    int64_t tokens() const { return request.prompt_tokens + generated; }
    bool reads() const { return unread > 0; }
  };

  explicit Scheduler(const SchedulerOptions& options);

  // scheduler.cc
  Tenant& tenant(const Record& record) { return tenants_[static_cast<size_t>(record.tenant)]; }
  void advance(double now_s);
  Status check(const ScheduledRequest& request, const Tenant& tenant) const;
  double expected_cost(const ScheduledRequest& request, const Tenant& tenant) const;
  bool has_place(Tenant& tenant, RequestId id) const;
  double retry_after_s(int32_t tenant, const ScheduledRequest& request);
  double step_s() const { return step_seen_s_ > 0 ? step_seen_s_ : options_.step_s; }
  int64_t answer_left(const Record& record) const;
  double steps_left(const Record& record) const;
  void charge(Record& record, double cost);
  void charge_start(Record& record, int64_t cached_tokens);
  void refund_start(Record& record);
  void refresh(int32_t tenant);
  TenantStatistics statistics_of(int32_t number) const;
  void stop(Record& record);
  void set_aside(Record& record, PreemptionKind kind);
  void forget(Record& record);
  Result<Record*> find(RequestId id);
  Result<Record*> find_running(RequestId id);

  // scheduler_plan.cc
  void learn_pace();
  void expire();
  void sort_running();
  int64_t slots_reserved() const;
  int64_t pages_wanted(const Record& record, int64_t tokens) const;
  int64_t pages_freed(const Record& record) const;
  int64_t tokens_expected(const Record& record) const;
  int64_t cached_tokens(const Record& record) const;
  void plan_set_aside(Record& record);
  bool take_pages(Record& record, int64_t tokens);
  Record* first_of(PriorityClass priority);
  Record* next_to_start(int64_t& level);
  bool fits(const Record& record) const;
  void plan_preemption();
  void plan_decodes();
  void plan_starts();
  void plan_prompts();
  bool finds_prefix_later(const Record& record) const;
  int64_t rows_before(double key_s) const;
  double read_key_s(const Record& record, int64_t level) const;
  void start(Record& record, int64_t level);

  SchedulerOptions options_;
  TokenCosts costs_;
  PreemptionCosts preemption_costs_;
  std::unordered_map<TenantId, int32_t> numbers_;
  std::vector<Tenant> tenants_;
  VirtualCounters counters_;
  std::unordered_map<RequestId, Record> requests_;
  std::vector<Record*> running_;
  std::set<std::pair<double, RequestId>> deadlines_;
  std::array<double, kPriorityClasses> passed_since_s_{};  // last start of a class that waits
  int64_t waiting_ = 0;
  int64_t starts_ = 0;
  double now_s_ = 0;

  // Of the plan being made.
  StepLimits limits_;
  ScheduledStep step_;
  std::vector<Record*> readers_;
  std::vector<Record*> writers_;
  std::vector<double> ends_s_;
  int64_t plans_ = 0;
  int64_t pages_promised_ = 0;  // that sequences at work are expected to take yet
  int64_t prompt_rows_ = 512;   // of the step at most

  // What the last steps were like.
  double planned_s_ = -1;        // when the last step with rows was planned
  double accounted_s_ = -1;      // when its work was last counted
  double step_seen_s_ = 0;       // mean
  double prompt_rows_seen_ = 0;  // mean of steps that others waited to start in
  double mean_cost_ = 0;         // of a request, as expected when it came
  double mean_unread_ = 0;       // rows of its prompt
  double mean_answer_ = 0;       // tokens of its answer
  bool rows_hold_back_ = false;  // the last starts waited for rows, not for slots or pages
};

}  // namespace troika
