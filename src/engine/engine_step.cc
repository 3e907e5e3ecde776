// A step: the scheduler says who is computed, the drafters propose, the trunk runs, the verifier
// judges, and everybody hears what became of it.
#include <algorithm>

#include "core/check.h"
#include "engine/engine.h"

namespace troika {
namespace {

RequestId request_of(const Sequence& s) {
  return static_cast<RequestId>(s.id);
}

SeqId sequence_of(RequestId id) {
  return static_cast<SeqId>(id);
}

// Pages that are there for whoever comes: what tenants are sure to keep in the cache is not.
constexpr TenantId kNobody{-1};

}  // namespace

Result<bool> Engine::step() {
  tick();
  start_ms_ = now_ms_;
  TROIKA_TRY(const bool let_go, let_go_of_ended());
  const ScheduledStep& plan = scheduler_->plan(now_s(), step_limits());
  TROIKA_RETURN_IF_ERROR(carry_out(plan));
  TROIKA_RETURN_IF_ERROR(propose());
  gather();
  // Who was in the plan and is in no row found no memory and was set aside.
  if (forward_->inputs().tokens() == 0) return let_go || plan.changes() || !plan.empty();
  steps_++;
  TROIKA_RETURN_IF_ERROR(forward_->run_trunk());
  TROIKA_RETURN_IF_ERROR(judge());
  const Result<bool> ended = let_go_of_ended();
  return ended.ok() ? true : ended;
}

StepLimits Engine::step_limits() const {
  const int64_t slots_free = std::ranges::count(slots_, nullptr);
  const int64_t writers = std::ranges::count_if(
      slots_, [](const Task* at) { return at != nullptr && at->sequence.answering(); });
  return {.rows_max = options_.chunk_tokens + options_.sequences_max,
          .prompt_rows_max = pace_.prompt_rows_max(options_.chunk_tokens, writers),
          .slots_free = slots_free,
          .pages_free = memory_->pages_available(kNobody),
          .rows_each = options_.draft_tokens_max + 2,
          .pages = this};
}

/// Lets go of, sets aside and brings in whom the plan names, and notes the rows of the others.
Status Engine::carry_out(const ScheduledStep& plan) {
  for (const RequestId id : plan.expired) {
    Task& expired = task(sequence_of(id));
    end(expired, FinishReason::expired);
    TROIKA_RETURN_IF_ERROR(leave(expired));
  }
  for (const auto& [id, kind] : plan.preempted) {
    TROIKA_TRY(const PreemptionKind done, set_aside(task(sequence_of(id)), kind));
    if (done != kind) TROIKA_RETURN_IF_ERROR(scheduler_->forget_spill(id));
  }
  for (const ScheduledStep::Start& start : plan.started)
    TROIKA_RETURN_IF_ERROR(bring_in(task(sequence_of(start.id)), start));
  reading_.clear();
  answering_.clear();
  for (const auto& [id, rows] : plan.prompts)
    TROIKA_RETURN_IF_ERROR(take_part(task(sequence_of(id)), rows));
  for (const RequestId id : plan.decodes)
    TROIKA_RETURN_IF_ERROR(take_part(task(sequence_of(id)), 1));
  return ok();
}

/// Puts a sequence into the step: as one that writes, or with at most `rows` rows to read. One that
/// just started may have found more or less in the cache than the plan counted on.
Status Engine::take_part(Task& task, int64_t rows) {
  const Sequence& s = task.sequence;
  if (s.slot < 0) return ok();  // no memory for what was spilled, after all
  if (!s.answering() && !task.reads_on) {
    TROIKA_RETURN_IF_ERROR(look_again(task));
    // One that came in by the same plan, which could not know of it.
    const auto reader = prefix_reader(request_of(s));
    const auto is_it = [&](const Task* t) { return request_of(t->sequence) == reader; };
    if (reader && std::ranges::any_of(reading_, is_it)) return ok();
  }
  task.reads_on = true;
  if (s.answering()) {
    answering_.push_back(&task);
  } else {
    task.rows = std::min(rows, memory_->rows_to_stop(s));
    reading_.push_back(&task);
  }
  return ok();
}

/// What a text begins with may have come into the cache since it was brought in.
Status Engine::look_again(Task& task) {
  Sequence& s = task.sequence;
  if (memory_->cached_tokens(s) <= s.computed) return ok();
  memory_->release(s);
  s.computed = s.head_computed = 0;
  s.replay = 0;
  const int64_t cached_before = s.cached_tokens;
  TROIKA_RETURN_IF_ERROR(memory_->begin(s));
  if (std::ssize(s.tokens) > s.prompt_tokens) s.cached_tokens = cached_before;
  return scheduler_->found_cached(request_of(s), s.computed);
}

/// Gives a sequence that waited a slot and what the cache has of its tokens.
Status Engine::bring_in(Task& task, const ScheduledStep::Start& start) {
  const auto slot = std::ranges::find(slots_, nullptr);
  TROIKA_CHECK(slot != slots_.end());
  Sequence& s = task.sequence;
  s.slot = static_cast<int32_t>(slot - slots_.begin());
  const int64_t size = std::ssize(s.tokens);
  s.read_end = size > s.prompt_tokens ? size - 1 : size;
  *slot = &task;
  task.reads_on = false;
  if (!start.resumed) s.times.started_ms = now_ms_;
  if (start.restored) return restore(task);
  const int64_t cached_before = s.cached_tokens;
  TROIKA_RETURN_IF_ERROR(begin(task));
  if (start.resumed) s.cached_tokens = cached_before;  // what was its own is no find
  if (s.computed != start.cached_tokens)
    TROIKA_RETURN_IF_ERROR(scheduler_->found_cached(start.id, s.computed));
  return ok();
}

/// Lets a sequence go on from what was spilled of it.
Status Engine::restore(Task& task) {
  TROIKA_CHECK(task.spilled.has_value());
  Sequence& s = task.sequence;
  const Status covered = memory_->cover(s, task.spilled->tokens());
  if (!covered.ok() && covered.error().code() == ErrorCode::exhausted) {
    vacate(task);
    return scheduler_->preempt(now_s(), request_of(s), PreemptionKind::spill);
  }
  TROIKA_RETURN_IF_ERROR(covered);
  TROIKA_RETURN_IF_ERROR(spill_->restore(*task.spilled, s, options_.clock_ms));
  task.spilled.reset();
  task.reads_on = true;
  return ok();
}

/// Takes a sequence out of its slot so that it can go on later, and says how.
Result<PreemptionKind> Engine::set_aside(Task& task, PreemptionKind wanted) {
  Sequence& s = task.sequence;
  if (wanted == PreemptionKind::spill && spill_ != nullptr && s.computed > 0) {
    TROIKA_RETURN_IF_ERROR(speculation_->settle(s));
    TROIKA_TRY(std::optional<SpilledText> spilled, spill_->save(s, options_.clock_ms));
    if (spilled) {
      task.spilled = std::move(spilled);
      vacate(task);
      return PreemptionKind::spill;
    }
  }
  TROIKA_RETURN_IF_ERROR(leave(task));
  return PreemptionKind::recompute;
}

/// Takes a sequence out of its slot. What it computed may stay in the cache.
Status Engine::leave(Task& task) {
  if (task.sequence.slot < 0) return ok();
  TROIKA_RETURN_IF_ERROR(memory_->keep(task.sequence));
  vacate(task);
  return ok();
}

/// Gives back the slot and the pages of a sequence.
void Engine::vacate(Task& task) {
  Sequence& s = task.sequence;
  memory_->release(s);
  speculation_->forget(s);
  slots_[static_cast<size_t>(s.slot)] = nullptr;
  s.slot = -1;
  s.computed = s.head_computed = 0;
  s.replay = 0;
}

/// Sequences that ended, by themselves or by cancel(), make room. False: there were none.
Result<bool> Engine::let_go_of_ended() {
  bool any = false;
  for (Task* at_work : slots_) {
    if (at_work == nullptr || at_work->sequence.finish == FinishReason::none) continue;
    const RequestId id = request_of(at_work->sequence);
    const bool cancelled = at_work->sequence.finish == FinishReason::cancelled;
    any = any || !at_work->stays || scheduler_->knows(id);
    if (!at_work->stays) TROIKA_RETURN_IF_ERROR(leave(*at_work));
    if (!scheduler_->knows(id)) continue;
    TROIKA_RETURN_IF_ERROR(cancelled ? scheduler_->cancel(now_s(), id)
                                     : scheduler_->finish(now_s(), id));
  }
  return any;
}

/// Pages for `tokens` tokens of a sequence; where there are none after all, because what the cache
/// would drop belongs to others, it is set aside. False: it was.
Result<bool> Engine::cover(Task& task, int64_t tokens) {
  const Status covered = memory_->cover(task.sequence, tokens);
  if (covered.ok()) return true;
  if (covered.error().code() != ErrorCode::exhausted) return covered.error();
  const Sequence& s = task.sequence;
  const PreemptionKind kind =
      cheaper_preemption(s.computed, memory_->pages_freed(s), preemption_costs_);
  TROIKA_TRY(const PreemptionKind done, set_aside(task, kind));
  TROIKA_RETURN_IF_ERROR(scheduler_->preempt(now_s(), request_of(s), done));
  return false;
}

/// cover() for the coming rows and drafts of `tasks`; those that were set aside leave the list.
Status Engine::cover_all(std::vector<Task*>& tasks) {
  for (auto at = tasks.begin(); at != tasks.end();) {
    const Sequence& s = (*at)->sequence;
    const int64_t rows = s.answering() ? (*at)->drafting.choice.depth + 1 : (*at)->rows;
    // One position more than the rows: the draft head may write the cell after the last one.
    const bool writes = s.answering();
    TROIKA_TRY(const bool covered, cover(**at, s.computed + rows + 1));
    if (!covered && writes) speculation_->leave_out((*at)->drafting);
    at = covered ? at + 1 : tasks.erase(at);
  }
  return ok();
}

Status Engine::propose() {
  int64_t prompt_rows = 0;
  for (const Task* reader : reading_) prompt_rows += reader->rows;
  reads_prompts_ = prompt_rows > 0;
  drafting_.clear();
  for (Task* writer : answering_) drafting_.push_back(&writer->drafting);
  speculation_->choose(drafting_, prompt_rows);
  TROIKA_RETURN_IF_ERROR(cover_all(answering_));
  TROIKA_RETURN_IF_ERROR(cover_all(reading_));
  TROIKA_TRY(trunk_start_ms_, speculation_->propose(start_ms_, options_.clock_ms));
  return ok();
}

void Engine::gather() {
  forward_->inputs().clear();
  for (Task* writer : answering_) {
    writer->rows = 1 + std::ssize(writer->drafting.drafts());
    add_rows(*writer);
  }
  for (Task* reader : reading_) add_rows(*reader);
}

void Engine::add_rows(Task& task) {
  Sequence& s = task.sequence;
  StepInputs& inputs = forward_->inputs();
  const bool answering = s.answering();
  const int64_t left = s.read_end - s.computed;
  const bool chooses = answering || s.read_end == std::ssize(s.tokens);
  task.first_row = inputs.tokens();
  task.first_output = inputs.outputs();
  inputs.begin_sequence({.pages = s.pages,
                         .position = s.computed,
                         .state_slot = s.slot,
                         .replay = s.replay,
                         .certain = static_cast<int32_t>(answering ? 1 : task.rows),
                         .fresh = s.computed == 0});
  for (int64_t i = 0; i < task.rows; i++) {
    const int64_t position = s.computed + i;
    const bool last = !answering && i + 1 == left;
    const bool draft = answering && i > 0;
    inputs.add_row({.token = draft ? task.drafting.drafts()[static_cast<size_t>(i - 1)]
                                   : s.tokens[static_cast<size_t>(position)],
                    .hidden_out = answering || last ? forward_->hidden().kept(s.slot, position)
                                                    : forward_->hidden().scratch(inputs.tokens()),
                    .output = answering || (last && chooses)});
  }
  task.outputs = inputs.outputs() - task.first_output;
}

bool Engine::wants_logits(const Task& task) const {
  const Sequence& s = task.sequence;
  return task.outputs > 0 &&
         (task.request.on_row || task.request.on_logprob ||
          !s.sampler->greedy(std::ssize(s.tokens)) || tokens_ != forward_->info().vocab);
}

TokenId Engine::choose(Task& task, int64_t output, std::span<const int32_t> argmax,
                       std::span<const float> logits) {
  if (logits.empty()) return static_cast<TokenId>(argmax[static_cast<size_t>(output)]);
  const auto vocab = static_cast<size_t>(forward_->info().vocab);
  const auto row = logits.subspan(static_cast<size_t>(output) * vocab, vocab);
  if (task.request.on_row) task.request.on_row(row);
  const auto real = row.first(static_cast<size_t>(tokens_));
  const TokenId token =
      task.sequence.sampler->sample(real, std::ssize(task.sequence.tokens), scratch_);
  if (task.request.on_logprob && token != kNoToken)
    task.request.on_logprob(logprobs_.of(real, token, task.request.top_logprobs));
  return token;
}

/// Adds a chosen token to its text, which may end with it.
void Engine::take(Task& task, TokenId token) {
  Sequence& s = task.sequence;
  if (s.times.first_token_ms < 0) s.times.first_token_ms = now_ms_;
  s.tokens.push_back(token);
  s.sampler->emit(token, scratch_);
  if (task.request.on_token) task.request.on_token(token);
  if (s.finish != FinishReason::none) return;  // cancelled by who heard of it
  if (s.stop_at_end_tokens && std::ranges::find(end_tokens_, token) != end_tokens_.end())
    return end(task, FinishReason::stop);
  if (task.text) {
    const bool may_stop = std::ssize(s.tokens) - s.prompt_tokens > task.request.tokens_min;
    delta_.clear();
    const bool stopped = task.text->push(bytes_(token), may_stop, delta_);
    if (task.request.on_text && !delta_.empty()) task.request.on_text(delta_);
    if (stopped) return end(task, FinishReason::stop_string);
  }
  if (s.tokens_left() == 0) end(task, FinishReason::length);
}

void Engine::end(Task& task, FinishReason reason) {
  Sequence& s = task.sequence;
  if (s.finish != FinishReason::none) return;
  s.finish = reason;
  task.spilled.reset();
  s.times.ended_ms = now_ms_;
  if (!task.text) return;
  if (const auto by = task.text->stopped_by()) s.stop_string = static_cast<int32_t>(*by);
  delta_.clear();
  task.text->finish(delta_);
  if (task.request.on_text && !delta_.empty()) task.request.on_text(delta_);
}

Status Engine::judge_task(Task& task, std::span<const int32_t> argmax,
                          std::span<const float> logits) {
  Sequence& s = task.sequence;
  const bool answering = s.answering();
  const int64_t size = std::ssize(s.tokens);
  int64_t accepted = 0;
  for (int64_t i = 0; i < task.outputs && s.finish == FinishReason::none; i++) {
    const TokenId token = choose(task, task.first_output + i, argmax, logits);
    if (token == kNoToken) {
      end(task, s.sampler->may_end() ? FinishReason::stop : FinishReason::no_token);
      break;
    }
    take(task, token);
    if (i + 1 == task.outputs) break;
    if (task.drafting.drafts()[static_cast<size_t>(i)] != token) break;
    accepted++;
  }
  const int64_t computed = answering ? 1 + accepted : task.rows;
  followed_.push_back({.sequence = &s,
                       .position = s.computed,
                       .rows = computed,
                       .first_row = task.first_row,
                       .kept = answering,
                       .type = task.request.speculation.type});
  s.computed += computed;
  s.replay = static_cast<int32_t>(accepted);
  Service service{.generated_tokens = std::ssize(s.tokens) - size};
  if (answering) {
    service.rejected_tokens = task.rows - 1 - accepted;
    speculation_->observe(task.drafting, accepted);
    drafts_[s.tenant].add_step(task.rows - 1, accepted, class_of(task.drafting.choice.source));
  } else {
    service.prompt_tokens = task.rows;
    if (task.request.on_prompt && s.read_end == s.prompt_tokens)
      task.request.on_prompt(s.computed, s.prompt_tokens);
  }
  return scheduler_->account(now_s(), request_of(s), service);
}

/// The results of the step were just read, so all that it launched is done. Rows of a prompt want
/// no logits and may be the first after a long rest: their steps teach nothing about drafts.
void Engine::learn_costs() {
  tick();
  const double trunk_ms = now_ms_ - trunk_start_ms_;
  speculation_->learn(forward_->inputs().tokens(), trunk_ms, !reads_prompts_);
}

/// What reading and writing cost, for the pace of steps and the accounts of tenants.
Status Engine::learn_pace() {
  int64_t prompt_rows = 0;
  for (const Task* reader : reading_) prompt_rows += reader->rows;
  pace_.observe(prompt_rows, std::ssize(answering_), now_ms_ - start_ms_);
  TokenCosts costs;
  costs.generated = pace_.written_cost();
  if (spill_ != nullptr && pace_.row_ms() > 0) {
    preemption_costs_ = spill_->costs(pace_.row_ms());
    scheduler_->set_preemption_costs(preemption_costs_);
  }
  return scheduler_->set_costs(costs);
}

Status Engine::judge() {
  const int64_t outputs = forward_->inputs().outputs();
  std::span<const int32_t> argmax;
  std::span<const float> logits;
  const auto wants = [this](const Task* task) { return wants_logits(*task); };
  const bool read_logits =
      std::ranges::any_of(answering_, wants) || std::ranges::any_of(reading_, wants);
  if (read_logits) {
    TROIKA_TRY(logits, forward_->read_logits(outputs));
  } else if (outputs > 0) {
    TROIKA_TRY(argmax, forward_->read_argmax(outputs));
  }
  learn_costs();
  followed_.clear();
  for (const auto* tasks : {&answering_, &reading_})
    for (Task* task : *tasks) TROIKA_RETURN_IF_ERROR(judge_task(*task, argmax, logits));
  TROIKA_RETURN_IF_ERROR(learn_pace());
  TROIKA_RETURN_IF_ERROR(speculation_->follow(followed_));
  for (const FollowedRows& rows : followed_)
    if (!rows.kept) TROIKA_RETURN_IF_ERROR(memory_->read(rows));
  return ok();
}

}  // namespace troika
