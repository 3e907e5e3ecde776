#include "engine_schedule/simulator.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "core/check.h"

namespace troika::testing {
namespace {

constexpr int64_t kPageTokensSimulated = 64;

}  // namespace

Simulation::Simulation(const Machine& m, const SchedulerOptions& options)
    : machine(m), slots_free_(m.slots), pages_free_(m.pages) {
  SchedulerOptions used = options;
  used.page_tokens = kPageTokensSimulated;
  used.step_s = m.seconds(m.slots);
  scheduler = std::move(Scheduler::make(used)).value();
}

int32_t Simulation::add_user(User user) {
  const auto number = static_cast<int32_t>(users_.size());
  for (int64_t i = 0; i < user.sequences; i++) send(user.from_s, number);
  users_.push_back(std::move(user));
  service.push_back(0);
  return number;
}

void Simulation::send(double at_s, int32_t user) {
  events_.push({at_s, events_made_++, user, RequestId{-1}});
}

void Simulation::adopt(RequestId id, int32_t user, int64_t prompt_tokens, int64_t answer_tokens) {
  texts_[id] = {.prompt = prompt_tokens, .answer = answer_tokens};
  outcomes[id] = {.id = id, .user = user, .sent_s = now_s};
}

void Simulation::arrive(const Event& event) {
  const User& user = users_[static_cast<size_t>(event.user)];
  RequestId id = event.id;
  if (id == RequestId{-1}) {
    if (event.at_s >= user.until_s) return;
    id = static_cast<RequestId>(next_id_++);
    texts_[id] = {.prompt = user.prompt_tokens(), .answer = user.answer_tokens()};
    outcomes[id] = {.id = id, .user = event.user, .sent_s = event.at_s};
  }
  Outcome& outcome = outcomes[id];
  const Text& text = texts_[id];
  const Result<Admission> admission =
      scheduler->submit(now_s, {.id = id,
                                .tenant = user.tenant,
                                .priority = user.priority,
                                .prompt_tokens = text.prompt,
                                .tokens_max = text.answer,
                                .deadline_s = std::max(now_s, event.at_s) + user.deadline_s});
  TROIKA_CHECK(admission.ok());
  if (admission->admitted) {
    if (outcome.refusals > 0) outcome.admitted_s = now_s - outcome.sent_s;
    return;
  }
  if (outcome.refusals++ == 0) outcome.promised_s = admission->retry_after_s;
  events_.push({now_s + admission->retry_after_s, events_made_++, event.user, id});
}

void Simulation::set_aside(RequestId id) {
  Text& text = texts_.at(id);
  TROIKA_CHECK(text.at_work);
  text.at_work = false;
  slots_free_++;
  pages_free_ += text.pages;
  text.pages = 0;
}

void Simulation::ended(RequestId id) {
  const Outcome& outcome = outcomes.at(id);
  const User& user = users_[static_cast<size_t>(outcome.user)];
  if (user.sequences > 0) send(now_s + user.pause_s, outcome.user);
  texts_.erase(id);
}

/// One row of a text that writes, or `rows` of one that reads.
void Simulation::write(RequestId id, int64_t rows) {
  Text& text = texts_.at(id);
  Outcome& outcome = outcomes.at(id);
  TROIKA_CHECK(text.at_work);
  Service service_now;
  if (text.unread > 0) {
    TROIKA_CHECK(rows <= text.unread);
    service_now.prompt_tokens = rows;
    text.unread -= rows;
    prompt_rows += rows;
  }
  const bool writes = service_now.prompt_tokens == 0 || (text.unread == 0 && text.written == 0);
  if (writes) {
    service_now.generated_tokens = 1;
    if (text.written++ == 0) outcome.first_token_s = now_s - outcome.sent_s;
    tokens++;
  }
  const TokenCosts costs;
  service[static_cast<size_t>(outcome.user)] +=
      costs.prompt * static_cast<double>(service_now.prompt_tokens) +
      costs.generated * static_cast<double>(service_now.generated_tokens);
  const int64_t held = text.prompt + text.written - text.unread;
  const int64_t pages = (held + kPageTokensSimulated) / kPageTokensSimulated;
  pages_free_ -= std::max<int64_t>(0, pages - text.pages);
  text.pages = std::max(text.pages, pages);
  held_max = std::max(held_max, (machine.pages - pages_free_) * kPageTokensSimulated);
  TROIKA_CHECK(pages_free_ >= 0);
  TROIKA_CHECK(scheduler->account(now_s, id, service_now).ok());
  if (text.written < text.answer) return;
  outcome.done_s = now_s;
  set_aside(id);
  TROIKA_CHECK(scheduler->finish(now_s, id).ok());
  ended(id);
}

void Simulation::carry_out(const ScheduledStep& step) {
  for (const RequestId id : step.expired) {
    if (texts_.at(id).at_work) set_aside(id);
    ended(id);
  }
  for (const auto& preemption : step.preempted) set_aside(preemption.id);
  for (const auto& started : step.started) {
    Text& text = texts_.at(started.id);
    TROIKA_CHECK(!text.at_work && slots_free_ > 0);
    text.at_work = true;
    text.unread = text.prompt + std::max<int64_t>(0, text.written - 1);
    slots_free_--;
  }
  int64_t rows = std::ssize(step.decodes);
  for (const auto& prompt : step.prompts) rows += prompt.rows;
  TROIKA_CHECK(rows + step.rows_left == machine.rows_max && step.rows_left >= 0);
  if (rows == 0) return;
  now_s += machine.seconds(rows);
  steps++;
  for (const RequestId id : step.decodes) write(id, 1);
  for (const auto& prompt : step.prompts) write(prompt.id, prompt.rows);
}

void Simulation::run(double until_s) {
  while (now_s < until_s) {
    while (!events_.empty() && events_.top().at_s <= now_s) {
      const Event event = events_.top();
      events_.pop();
      arrive(event);
    }
    const ScheduledStep& step = scheduler->plan(now_s, {.rows_max = machine.rows_max,
                                                        .prompt_rows_max = machine.prompt_rows_max,
                                                        .slots_free = slots_free_,
                                                        .pages_free = pages_free_});
    const bool idle = step.empty() && step.started.empty() && step.expired.empty();
    carry_out(step);
    if (each_step) each_step(*this);
    if (!idle) continue;
    if (events_.empty()) return;
    now_s = std::max(now_s, events_.top().at_s);
  }
}

std::function<int64_t()> always(int64_t n) {
  return [n] { return n; };
}

std::function<int64_t()> between(int64_t min, int64_t max, uint64_t seed) {
  return [random = std::mt19937_64(seed), min, max]() mutable {
    return std::uniform_int_distribution<int64_t>(min, max)(random);
  };
}

double quantile(std::vector<double> values, double q) {
  TROIKA_CHECK(!values.empty());
  std::ranges::sort(values);
  const double rank = std::ceil(q * static_cast<double>(values.size())) - 1;
  return values[static_cast<size_t>(std::max(0.0, rank))];
}

}  // namespace troika::testing
