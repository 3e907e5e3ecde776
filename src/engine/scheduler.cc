#include "engine/scheduler.h"

#include <algorithm>
#include <cmath>

namespace troika {
namespace {

constexpr double kRequestsSeen = 0.1;  // share of a new one in a mean
constexpr double kCaution = 1.1;       // rather a little late than twice

void take_into(double& mean, double value, double share) {
  mean = mean == 0 ? value : mean + share * (value - mean);
}

Status in_range(std::string_view what, double value, double min, double max) {
  if (!(value >= min && value <= max))
    return fail(ErrorCode::invalid_argument, "{} is {}, wanted {} to {}", what, value, min, max);
  return ok();
}

std::string_view class_name(PriorityClass priority) {
  constexpr std::string_view kNames[] = {"interactive", "normal", "batch"};
  return kNames[static_cast<size_t>(priority)];
}

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options) : options_(options) {}

Result<std::unique_ptr<Scheduler>> Scheduler::make(const SchedulerOptions& options) {
  constexpr double kLong = 1e9;
  TROIKA_RETURN_IF_ERROR(
      in_range("the tokens of a page", static_cast<double>(options.page_tokens), 1, 1 << 20));
  TROIKA_RETURN_IF_ERROR(
      in_range("the number of requests", static_cast<double>(options.requests_max), 1, 1 << 24));
  TROIKA_RETURN_IF_ERROR(in_range("ageing_s", options.ageing_s, 1e-3, kLong));
  TROIKA_RETURN_IF_ERROR(
      in_range("slots_reserved", static_cast<double>(options.slots_reserved), 0, 1 << 20));
  TROIKA_RETURN_IF_ERROR(in_range("slack_s", options.slack_s, 0, kLong));
  TROIKA_RETURN_IF_ERROR(in_range("slack_s_max", options.slack_s_max, 0, kLong));
  TROIKA_RETURN_IF_ERROR(in_range("patience_s", options.patience_s, 0, kLong));
  TROIKA_RETURN_IF_ERROR(in_range("preempt_ahead", options.preempt_ahead, 0, 1e18));
  TROIKA_RETURN_IF_ERROR(in_range("step_s", options.step_s, 1e-9, kLong));
  return std::unique_ptr<Scheduler>(new Scheduler(options));
}

Status Scheduler::set_tenant(TenantId id, const TenantPolicy& policy) {
  TROIKA_RETURN_IF_ERROR(in_range("the weight of a tenant", policy.weight, 1e-6, 1e6));
  TROIKA_RETURN_IF_ERROR(in_range("queue_max", static_cast<double>(policy.queue_max), 0, 1 << 20));
  TROIKA_RETURN_IF_ERROR(
      in_range("sequences_max", static_cast<double>(policy.sequences_max), 1, 1 << 20));
  TROIKA_RETURN_IF_ERROR(
      in_range("the class", static_cast<double>(policy.highest), 0, kPriorityClasses - 1));
  const auto [entry, added] = numbers_.try_emplace(id, static_cast<int32_t>(tenants_.size()));
  if (added) {
    tenants_.emplace_back();
    tenants_.back().id = id;
    counters_.add(policy.weight);
  }
  tenants_[static_cast<size_t>(entry->second)].policy = policy;
  counters_.set_weight(entry->second, policy.weight);
  refresh(entry->second);
  return ok();
}

Status Scheduler::set_costs(const TokenCosts& costs) {
  for (const double cost : {costs.prompt, costs.generated, costs.cached, costs.rejected})
    TROIKA_RETURN_IF_ERROR(in_range("the cost of a token", cost, 0, 1e9));
  costs_ = costs;
  return ok();
}

void Scheduler::advance(double now_s) {
  now_s_ = std::max(now_s_, now_s);
}

Status Scheduler::check(const ScheduledRequest& request, const Tenant& tenant) const {
  constexpr double kTokensMax = 1 << 30;
  const auto id = static_cast<int64_t>(request.id);
  if (knows(request.id))
    return fail(ErrorCode::invalid_argument, "request {} is there already, wanted a new id", id);
  TROIKA_RETURN_IF_ERROR(
      in_range("the prompt", static_cast<double>(request.prompt_tokens), 1, kTokensMax));
  TROIKA_RETURN_IF_ERROR(
      in_range("tokens_max", static_cast<double>(request.tokens_max), 1, kTokensMax));
  TROIKA_RETURN_IF_ERROR(in_range("the number of cached tokens",
                                  static_cast<double>(request.cached_tokens), 0,
                                  static_cast<double>(request.prompt_tokens - 1)));
  TROIKA_RETURN_IF_ERROR(
      in_range("the class", static_cast<double>(request.priority), 0, kPriorityClasses - 1));
  if (request.priority < tenant.policy.highest)
    return fail(ErrorCode::invalid_argument, "tenant {} asks for class {}, wanted {} at most",
                static_cast<int32_t>(tenant.id), class_name(request.priority),
                class_name(tenant.policy.highest));
  if (!(request.deadline_s > now_s_))
    return fail(ErrorCode::invalid_argument,
                "request {} has its deadline at {} s, wanted later than now, {} s", id,
                request.deadline_s, now_s_);
  return ok();
}

Result<Admission> Scheduler::submit(double now_s, const ScheduledRequest& request) {
  advance(now_s);
  const auto number = numbers_.find(request.tenant);
  if (number == numbers_.end())
    return fail(ErrorCode::not_found, "tenant {} is not known",
                static_cast<int32_t>(request.tenant));
  Tenant& t = tenants_[static_cast<size_t>(number->second)];
  TROIKA_RETURN_IF_ERROR(check(request, t));
  if (!has_place(t, request.id)) {
    t.statistics.refused++;
    return Admission{.admitted = false, .retry_after_s = retry_after_s(number->second, request)};
  }
  t.tickets.erase(request.id);
  Record& record = requests_[request.id];
  record.request = request;
  record.tenant = number->second;
  record.submitted_s = now_s_;
  record.waits_since_s = now_s_;
  if (std::isfinite(request.deadline_s)) deadlines_.emplace(request.deadline_s, request.id);
  t.line.push_back(request.priority, request.id);
  t.statistics.submitted++;
  const double cost = expected_cost(request, t);
  take_into(t.request_cost, cost, kRequestsSeen);
  take_into(mean_cost_, cost, kRequestsSeen / 4);
  take_into(mean_unread_, static_cast<double>(request.prompt_tokens - request.cached_tokens),
            kRequestsSeen / 4);
  take_into(mean_answer_, t.answer_share * static_cast<double>(request.tokens_max),
            kRequestsSeen / 4);
  waiting_++;
  refresh(record.tenant);
  return Admission{.admitted = true};
}

double Scheduler::expected_cost(const ScheduledRequest& request, const Tenant& tenant) const {
  return costs_.prompt * static_cast<double>(request.prompt_tokens - request.cached_tokens) +
         costs_.cached * static_cast<double>(request.cached_tokens) +
         costs_.generated * tenant.answer_share * static_cast<double>(request.tokens_max);
}

/// Whether a request may wait: there are more places than are kept for those whose turn came
/// before.
bool Scheduler::has_place(Tenant& t, RequestId id) const {
  t.tickets.forget_lapsed(now_s_);
  const int64_t places = t.policy.queue_max - t.line.size();
  if (places <= 0 || std::ssize(requests_) >= options_.requests_max) return false;
  return places > t.tickets.ahead(now_s_, id);
}

int64_t Scheduler::answer_left(const Record& record) const {
  const Tenant& t = tenants_[static_cast<size_t>(record.tenant)];
  const auto expected =
      std::llround(t.answer_share * static_cast<double>(record.request.tokens_max));
  return std::max<int64_t>(1, expected - record.generated);
}

/// Steps until a request ends, from now on or from when it starts.
double Scheduler::steps_left(const Record& record) const {
  const int64_t unread =
      record.running ? record.unread : record.request.prompt_tokens - record.request.cached_tokens;
  const auto rows = static_cast<double>(std::max<int64_t>(1, prompt_rows_));
  return static_cast<double>(answer_left(record)) + static_cast<double>(unread) / rows;
}

double Scheduler::retry_after_s(int32_t number, const ScheduledRequest& request) {
  Tenant& t = tenants_[static_cast<size_t>(number)];
  const std::optional<double> due_s = t.tickets.due_s(request.id);
  if (due_s && *due_s > now_s_) return *due_s - now_s_;  // too early: its turn stays
  const bool capped = t.statistics.running >= t.policy.sequences_max;
  const int64_t free = capped ? 0 : std::max<int64_t>(0, limits_.slots_free - slots_reserved());
  ends_s_.assign(static_cast<size_t>(free), 0.0);
  for (const Record* record : running_)
    if (!capped || record->tenant == number) ends_s_.push_back(steps_left(*record) * step_s());
  const double rows = prompt_rows_seen_ > 0
                          ? prompt_rows_seen_
                          : static_cast<double>(std::max<int64_t>(1, prompt_rows_));
  const double read_s = mean_unread_ / rows * step_s();
  StartForecast forecast{.ends_s = &ends_s_,
                         .sequence_s = read_s + mean_answer_ * step_s(),
                         .prompts_s = capped ? 0 : read_s};
  if (!capped) {
    double others = 0;
    for (const PriorityClass priority : kAllClasses)
      if (priority <= request.priority) others += counters_.waiting_weight(priority);
    others = std::max(others, t.policy.weight);
    const double size = t.request_cost > 0 ? mean_cost_ / t.request_cost : 1;
    forecast.share = std::min(1.0, t.policy.weight / others * size);
  }
  const int64_t before = due_s ? t.tickets.ahead(now_s_, request.id) : t.tickets.open();
  const double after_s = std::max(step_s(), kCaution * forecast_start_s(1 + before, forecast));
  t.tickets.promise(request.id, now_s_, after_s);
  return after_s;
}

void Scheduler::charge(Record& record, double cost) {
  counters_.charge(record.tenant, record.request.priority, cost);
  tenant(record).statistics.cost += cost;
}

/// Charges a prompt that starts: what is cached as cached, the rest as if it were read already.
void Scheduler::charge_start(Record& record, int64_t cached_tokens) {
  const int64_t prompt = record.request.prompt_tokens;
  record.paid_before = record.paid;
  record.cached_charged = std::max<int64_t>(0, std::min(cached_tokens, prompt) - record.paid);
  record.paid += record.cached_charged;
  record.prepaid = costs_.prompt * static_cast<double>(prompt - record.paid);
  tenant(record).statistics.served.cached += record.cached_charged;
  charge(record, costs_.cached * static_cast<double>(record.cached_charged) + record.prepaid);
}

void Scheduler::refund_start(Record& record) {
  tenant(record).statistics.served.cached -= record.cached_charged;
  charge(record, -costs_.cached * static_cast<double>(record.cached_charged) - record.prepaid);
  record.paid = record.paid_before;
  record.prepaid = 0;
}

Status Scheduler::found_cached(RequestId id, int64_t tokens) {
  TROIKA_TRY(Record * record, find_running(id));
  const int64_t all = record->read + record->unread;
  const int64_t most = record->generated == 0 ? all - 1 : all;
  if (record->counted || tokens < 0 || tokens > most)
    return fail(ErrorCode::invalid_argument,
                "request {} found {} cached tokens, wanted 0 to {} before any is counted",
                static_cast<int64_t>(id), tokens, most);
  refund_start(*record);
  charge_start(*record, tokens);
  record->read = tokens;
  record->unread = all - tokens;
  return ok();
}

Status Scheduler::account(double now_s, RequestId id, const Service& service) {
  advance(now_s);
  TROIKA_TRY(Record * record, find_running(id));
  const auto& [rows, generated, rejected] = service;
  if (rows < 0 || generated < 0 || rejected < 0 || rows > record->unread)
    return fail(ErrorCode::invalid_argument,
                "request {} read {} rows, wrote {} tokens, {} rejected; wanted at most {} rows",
                static_cast<int64_t>(id), rows, generated, rejected, record->unread);
  TenantStatistics& statistics = tenant(*record).statistics;
  const int64_t prompt = record->request.prompt_tokens;
  const int64_t first = std::max(record->paid, record->read);
  const int64_t fresh = std::max<int64_t>(0, std::min(prompt, record->read + rows) - first);
  if (fresh > 0) {
    record->prepaid *=
        static_cast<double>(prompt - first - fresh) / static_cast<double>(prompt - first);
    record->paid = first + fresh;
  }
  record->read += rows;
  record->unread -= rows;
  record->counted = true;
  if (generated > 0 && record->generated == 0) {
    statistics.first_tokens++;
    statistics.first_token_s_sum += now_s_ - record->submitted_s;
  }
  record->generated += generated;
  statistics.served.prompt += fresh;
  statistics.served.recomputed += rows - fresh;
  statistics.served.generated += generated;
  statistics.served.rejected += rejected;
  charge(*record, costs_.generated * static_cast<double>(generated) +
                      costs_.rejected * static_cast<double>(rejected));
  accounted_s_ = now_s_;
  return ok();
}

/// Puts a tenant where it belongs among those that wait.
void Scheduler::refresh(int32_t number) {
  const Tenant& t = tenants_[static_cast<size_t>(number)];
  counters_.set_idle(number, t.statistics.running == 0);
  const bool may = t.statistics.running < t.policy.sequences_max;
  for (const PriorityClass priority : kAllClasses) {
    if (!may || !t.line.front(priority)) {
      counters_.leave(number, priority);
      continue;
    }
    // A class that nobody waited in was not passed over.
    if (!counters_.least(priority, false)) passed_since_s_[static_cast<size_t>(priority)] = now_s_;
    counters_.wait(number, priority);
  }
}

/// Takes a request from work and gives back what it paid for rows that were not read.
void Scheduler::stop(Record& record) {
  Tenant& t = tenant(record);
  std::erase(running_, &record);
  charge(record, -record.prepaid);
  record.prepaid = 0;
  record.pages = 0;
  record.running = false;
  t.statistics.running--;
}

void Scheduler::set_aside(Record& record, PreemptionKind kind) {
  Tenant& t = tenant(record);
  stop(record);
  record.spilled = kind == PreemptionKind::spill;
  if (!record.spilled) record.read = record.unread = 0;
  record.waits_since_s += now_s_;  // start() left minus the time waited before
  t.line.push_front(record.request.priority, record.request.id);
  t.statistics.preempted++;
  t.statistics.set_aside++;
  waiting_++;
  refresh(record.tenant);
}

/// Takes a request out of everything but the map.
void Scheduler::forget(Record& record) {
  Tenant& t = tenant(record);
  const RequestId id = record.request.id;
  if (record.running) {
    stop(record);
  } else {
    t.line.erase(record.request.priority, id);
    t.statistics.set_aside -= record.started ? 1 : 0;
    waiting_--;
  }
  if (std::isfinite(record.request.deadline_s)) deadlines_.erase({record.request.deadline_s, id});
  refresh(record.tenant);
}

Result<Scheduler::Record*> Scheduler::find(RequestId id) {
  const auto found = requests_.find(id);
  if (found == requests_.end())
    return fail(ErrorCode::not_found, "request {} is not known", static_cast<int64_t>(id));
  return &found->second;
}

Result<Scheduler::Record*> Scheduler::find_running(RequestId id) {
  TROIKA_TRY(Record * record, find(id));
  if (!record->running)
    return fail(ErrorCode::not_found, "request {} is not at work", static_cast<int64_t>(id));
  return record;
}

Status Scheduler::preempt(double now_s, RequestId id, PreemptionKind kind) {
  advance(now_s);
  TROIKA_TRY(Record * record, find_running(id));
  set_aside(*record, kind);
  return ok();
}

Status Scheduler::forget_spill(RequestId id) {
  TROIKA_TRY(Record * record, find(id));
  if (record->running || !record->spilled)
    return fail(ErrorCode::invalid_argument, "nothing of request {} is spilled",
                static_cast<int64_t>(id));
  record->spilled = false;
  record->read = record->unread = 0;
  return ok();
}

Status Scheduler::finish(double now_s, RequestId id) {
  advance(now_s);
  TROIKA_TRY(Record * record, find_running(id));
  Tenant& t = tenant(*record);
  forget(*record);
  t.answer_share += kRequestsSeen * (static_cast<double>(record->generated) /
                                         static_cast<double>(record->request.tokens_max) -
                                     t.answer_share);
  t.statistics.finished++;
  accounted_s_ = now_s_;
  requests_.erase(id);
  return ok();
}

Status Scheduler::cancel(double now_s, RequestId id) {
  advance(now_s);
  TROIKA_TRY(Record * record, find(id));
  forget(*record);
  tenant(*record).statistics.cancelled++;
  requests_.erase(id);
  return ok();
}

Result<TenantStatistics> Scheduler::statistics(TenantId id) const {
  const auto number = numbers_.find(id);
  if (number == numbers_.end())
    return fail(ErrorCode::not_found, "tenant {} is not known", static_cast<int32_t>(id));
  return statistics_of(number->second);
}

TenantStatistics Scheduler::statistics_of(int32_t number) const {
  const Tenant& t = tenants_[static_cast<size_t>(number)];
  TenantStatistics statistics = t.statistics;
  statistics.waiting = t.line.size();
  for (const PriorityClass priority : kAllClasses)
    statistics.counters[static_cast<size_t>(priority)] = counters_.counter(number, priority);
  return statistics;
}

void Scheduler::for_each_tenant(
    const std::function<void(TenantId, const TenantStatistics&)>& each) const {
  for (int32_t number = 0; number < std::ssize(tenants_); number++)
    each(tenants_[static_cast<size_t>(number)].id, statistics_of(number));
}

}  // namespace troika
