// Scheduler::plan(), in the order of its decisions.
#include <algorithm>
#include <cmath>

#include "engine/scheduler.h"

namespace troika {
namespace {

constexpr double kStepsSeen = 0.05;  // share of a new step in a mean
constexpr int64_t kSlotsEachReserved = 32;

void take_into(double& mean, double value) {
  mean = mean == 0 ? value : mean + kStepsSeen * (value - mean);
}

}  // namespace

const ScheduledStep& Scheduler::plan(double now_s, const StepLimits& limits) {
  advance(now_s);
  learn_pace();
  plans_++;
  limits_ = limits;
  step_.expired.clear();
  step_.preempted.clear();
  step_.started.clear();
  step_.decodes.clear();
  step_.prompts.clear();
  expire();
  sort_running();
  pages_promised_ = 0;
  for (const Record* record : running_)
    pages_promised_ += pages_wanted(*record, tokens_expected(*record));
  plan_preemption();
  plan_decodes();
  plan_starts();
  plan_prompts();
  planned_s_ = step_.empty() ? -1 : now_s_;
  return step_;
}

/// What the step before was like: from its plan to when its work was counted, so that a rest after
/// it is no part of it.
void Scheduler::learn_pace() {
  if (planned_s_ < 0 || accounted_s_ <= planned_s_) return;
  take_into(step_seen_s_, accounted_s_ - planned_s_);
  int64_t rows = 0;
  for (const auto& prompt : step_.prompts) rows += prompt.rows;
  if (rows > 0 && rows_hold_back_) take_into(prompt_rows_seen_, static_cast<double>(rows));
}

void Scheduler::expire() {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_s_) {
    const RequestId id = deadlines_.begin()->second;
    Record& record = requests_.at(id);
    if (record.running) limits_.slots_free++, limits_.pages_free += pages_freed(record);
    forget(record);
    tenant(record).statistics.expired++;
    requests_.erase(id);
    step_.expired.push_back(id);
  }
}

/// Who keeps what it has the longest goes first.
void Scheduler::sort_running() {
  std::ranges::sort(running_, [this](const Record* a, const Record* b) {
    if (a->level != b->level) return a->level < b->level;
    const double counter_a = counters_.counter(a->tenant, a->request.priority);
    const double counter_b = counters_.counter(b->tenant, b->request.priority);
    if (counter_a != counter_b) return counter_a < counter_b;
    return a->start_number < b->start_number;
  });
}

int64_t Scheduler::slots_reserved() const {
  return std::min(options_.slots_reserved, (running() + limits_.slots_free) / kSlotsEachReserved);
}

int64_t Scheduler::pages_wanted(const Record& record, int64_t tokens) const {
  if (limits_.pages != nullptr) return limits_.pages->pages_wanted(record.request.id, tokens);
  const int64_t pages = (tokens + options_.page_tokens - 1) / options_.page_tokens;
  return std::max<int64_t>(0, pages - record.pages);
}

int64_t Scheduler::pages_freed(const Record& record) const {
  return limits_.pages != nullptr ? limits_.pages->pages_freed(record.request.id) : record.pages;
}

int64_t Scheduler::tokens_expected(const Record& record) const {
  const int64_t most = record.request.prompt_tokens + record.request.tokens_max;
  return std::min(most, record.tokens() + answer_left(record)) + limits_.rows_each;
}

int64_t Scheduler::cached_tokens(const Record& record) const {
  const int64_t all = record.generated == 0 ? record.tokens() : record.tokens() - 1;
  const int64_t cached = limits_.pages != nullptr ? limits_.pages->cached_tokens(record.request.id)
                                                  : record.request.cached_tokens;
  return std::clamp<int64_t>(cached, 0, record.generated == 0 ? all - 1 : all);
}

void Scheduler::plan_set_aside(Record& record) {
  const int64_t pages = pages_freed(record);
  const PreemptionKind kind =
      cheaper_preemption(record.reads() ? record.read : record.tokens(), pages, preemption_costs_);
  limits_.pages_free += pages;
  limits_.slots_free++;
  pages_promised_ -= pages_wanted(record, tokens_expected(record));
  record.set_aside_in = plans_;
  step_.preempted.push_back({record.request.id, kind});
  set_aside(record, kind);
}

/// Takes pages for a request at work, from those that come last if none are free. False: even so
/// there are not enough.
bool Scheduler::take_pages(Record& record, int64_t tokens) {
  const int64_t wanted = pages_wanted(record, tokens);
  while (limits_.pages_free < wanted) {
    const auto last =
        std::ranges::find_if(running_.rbegin(), running_.rend(),
                             [this](const Record* r) { return r->planned_in != plans_; });
    if (last == running_.rend() || *last == &record) return false;
    plan_set_aside(**last);
  }
  limits_.pages_free -= wanted;
  pages_promised_ = std::max<int64_t>(0, pages_promised_ - wanted);
  record.pages += wanted;
  return true;
}

/// The request of a class that would start next; null: there is none.
Scheduler::Record* Scheduler::first_of(PriorityClass priority) {
  const bool idle_only = limits_.slots_free <= slots_reserved();
  const auto number = counters_.least(priority, idle_only);
  if (!number) return nullptr;
  return &requests_.at(*tenants_[static_cast<size_t>(*number)].line.front(priority));
}

/// The request that would start next, and how urgent it is; null: there is none.
Scheduler::Record* Scheduler::next_to_start(int64_t& level) {
  level = 0;
  for (const PriorityClass priority : {PriorityClass::batch, PriorityClass::normal})
    if (now_s_ - passed_since_s_[static_cast<size_t>(priority)] >= options_.ageing_s)
      if (Record* record = first_of(priority)) return record;
  for (const PriorityClass priority : kAllClasses) {
    level = static_cast<int64_t>(priority);
    if (Record* record = first_of(priority)) return record;
  }
  return nullptr;
}

/// Whether there are pages for all that the request is expected to hold, beside what those at work
/// are expected to take yet; for the first, for what it holds already.
bool Scheduler::fits(const Record& record) const {
  const bool first = running_.empty();
  const int64_t tokens = first ? record.tokens() + limits_.rows_each : tokens_expected(record);
  return pages_wanted(record, tokens) + (first ? 0 : pages_promised_) <= limits_.pages_free;
}

/// Sets one sequence aside for a request that cannot start and has waited long enough.
void Scheduler::plan_preemption() {
  int64_t level = 0;
  const Record* next = next_to_start(level);
  if (next == nullptr || running_.size() < 2) return;
  if (limits_.slots_free > 0 && fits(*next)) return;
  if (now_s_ - next->waits_since_s < options_.patience_s) return;
  Record& last = *running_.back();
  const bool idle = tenants_[static_cast<size_t>(next->tenant)].statistics.running == 0;
  const PriorityClass priority = next->request.priority;
  const double ahead =
      counters_.counter(last.tenant, priority) - counters_.counter(next->tenant, priority);
  const bool urgent = last.level > level;
  const bool fair = last.request.priority == priority && idle &&
                    tenant(last).statistics.running > 1 && ahead > options_.preempt_ahead;
  if (urgent || fair) plan_set_aside(last);
}

/// A row for each that writes. Where there are too few, the tenant with the least counter goes
/// first, and prompts keep a quarter.
void Scheduler::plan_decodes() {
  writers_.clear();
  bool prompts = waiting_ > 0;
  for (Record* record : running_) {
    if (record->reads())
      prompts = true;
    else
      writers_.push_back(record);
  }
  const int64_t kept = prompts ? std::min(limits_.prompt_rows_max, limits_.rows_max / 4) : 0;
  const int64_t rows = std::max<int64_t>(0, limits_.rows_max - kept);
  if (std::ssize(writers_) > rows)
    std::ranges::stable_sort(writers_, {}, [this](const Record* r) {
      return counters_.counter(r->tenant, r->request.priority);
    });
  for (Record* record : writers_) {
    if (std::ssize(step_.decodes) == rows) break;
    if (record->set_aside_in == plans_) continue;
    record->planned_in = plans_;
    // A sequence alone that finds no page is the engine's to answer for.
    if (!take_pages(*record, record->tokens() + limits_.rows_each) && running_.size() > 1) {
      plan_set_aside(*record);
      continue;
    }
    step_.decodes.push_back(record->request.id);
  }
  prompt_rows_ =
      std::clamp<int64_t>(limits_.rows_max - std::ssize(step_.decodes), 0, limits_.prompt_rows_max);
}

/// By when a prompt counts as come: later the more of its tenant is at work, and the less urgent it
/// is.
double Scheduler::read_key_s(const Record& record, int64_t level) const {
  const Tenant& t = tenants_[static_cast<size_t>(record.tenant)];
  const double at_work = static_cast<double>(t.statistics.running) / t.policy.weight;
  return now_s_ + std::min(options_.slack_s * at_work, options_.slack_s_max) +
         static_cast<double>(level) * options_.ageing_s;
}

/// Rows that would be read before those of a prompt with this key.
int64_t Scheduler::rows_before(double key_s) const {
  int64_t rows = 0;
  for (const Record* record : running_)
    if (record->reads() && record->read_key_s <= key_s) rows += record->unread;
  return rows;
}

void Scheduler::start(Record& record, int64_t level) {
  Tenant& t = tenant(record);
  const bool restored = record.spilled;
  if (!restored) {
    record.read = cached_tokens(record);
    record.unread = (record.generated == 0 ? record.tokens() : record.tokens() - 1) - record.read;
  }
  pages_promised_ += pages_wanted(record, tokens_expected(record));
  step_.started.push_back({record.request.id, record.read, record.started, restored});
  record.level = level;
  record.read_key_s = read_key_s(record, level);
  record.start_number = starts_++;
  record.running = true;
  record.spilled = false;
  record.counted = restored;
  record.planned_in = plans_;  // not to be set aside in the plan that brings it in
  t.line.erase(record.request.priority, record.request.id);
  passed_since_s_[static_cast<size_t>(record.request.priority)] = now_s_;
  waiting_--;
  charge_start(record, restored ? record.paid : record.read);
  const double waited_s = now_s_ - record.waits_since_s;
  if (record.started) {
    t.statistics.set_aside--;
  } else {
    t.statistics.started++;
    t.statistics.wait_s_sum += waited_s;
    t.statistics.wait_s_max = std::max(t.statistics.wait_s_max, waited_s);
  }
  record.started = true;
  record.waits_since_s = -waited_s;
  t.statistics.running++;
  running_.push_back(&record);
  limits_.slots_free--;
  refresh(record.tenant);
}

/// Requests start as long as there are rows to read them with in this step.
void Scheduler::plan_starts() {
  rows_hold_back_ = false;
  int64_t level = 0;
  while (limits_.slots_free > 0) {
    Record* next = next_to_start(level);
    if (next == nullptr || next->set_aside_in == plans_ || !fits(*next)) return;
    if (prompt_rows_ <= rows_before(read_key_s(*next, level))) {
      rows_hold_back_ = true;
      return;
    }
    start(*next, level);
    // Restored, or all in the cache: it writes at once.
    if (next->reads() || !take_pages(*next, next->tokens() + limits_.rows_each)) continue;
    step_.decodes.push_back(next->request.id);
    prompt_rows_--;
  }
}

/// Whether somebody who gets rows in this step reads what the request would read, too.
bool Scheduler::finds_prefix_later(const Record& record) const {
  if (limits_.pages == nullptr || record.counted) return false;
  const auto id = limits_.pages->prefix_reader(record.request.id);
  if (!id) return false;
  const auto reader = requests_.find(*id);
  return reader != requests_.end() && reader->second.read_in == plans_;
}

void Scheduler::plan_prompts() {
  readers_.clear();
  for (Record* record : running_)
    if (record->reads()) readers_.push_back(record);
  std::ranges::sort(readers_, [](const Record* a, const Record* b) {
    return std::pair(a->read_key_s, a->start_number) < std::pair(b->read_key_s, b->start_number);
  });
  int64_t rows_left = std::min(prompt_rows_, limits_.rows_max - std::ssize(step_.decodes));
  for (Record* record : readers_) {
    if (rows_left == 0) break;
    if (record->set_aside_in == plans_ || finds_prefix_later(*record)) continue;
    const int64_t rows = std::min(record->unread, rows_left);
    record->planned_in = plans_;
    if (!take_pages(*record, record->read + rows + limits_.rows_each)) continue;
    record->read_in = plans_;
    step_.prompts.push_back({record->request.id, rows});
    rows_left -= rows;
  }
  step_.rows_left = limits_.rows_max - std::ssize(step_.decodes);
  for (const auto& prompt : step_.prompts) step_.rows_left -= prompt.rows;
}

}  // namespace troika
