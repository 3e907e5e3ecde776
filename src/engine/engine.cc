#include "engine/engine.h"

#include <algorithm>
#include <chrono>

#include "core/check.h"
#include "engine/model_drafter.h"
#include "engine/mtp_drafter.h"
#include "engine/ngram_drafter.h"
#include "engine/session.h"

namespace troika {
namespace {

constexpr int64_t kContextMax = int64_t{1} << 24;
constexpr int64_t kSequencesMax = 4096;
constexpr int64_t kChunkMax = 1 << 16;

Status in_range(std::string_view what, int64_t value, int64_t min, int64_t max) {
  if (value < min || value > max)
    return fail(ErrorCode::invalid_argument, "{} is {}, wanted {} to {}", what, value, min, max);
  return ok();
}

Status validate_options(const EngineOptions& options) {
  TROIKA_RETURN_IF_ERROR(in_range("the context", options.context, 1, kContextMax));
  TROIKA_RETURN_IF_ERROR(
      in_range("the number of sequences", options.sequences_max, 1, kSequencesMax));
  TROIKA_RETURN_IF_ERROR(in_range("the prompt chunk", options.chunk_tokens, 1, kChunkMax));
  TROIKA_RETURN_IF_ERROR(
      in_range("the number of drafts", options.draft_tokens_max, 0, kDraftTokensMax));
  const CacheOptions& cache = options.cache;
  TROIKA_RETURN_IF_ERROR(in_range("the number of cached pages", cache.pages, 0, kContextMax));
  TROIKA_RETURN_IF_ERROR(
      in_range("the budget of checkpoints", cache.checkpoint_bytes, 0, INT64_MAX));
  TROIKA_RETURN_IF_ERROR(
      in_range("the interval of checkpoints", cache.interval_tokens, 1, kContextMax));
  if (!is_kv_dtype(options.kv_dtype))
    return fail(ErrorCode::invalid_argument, "the KV type is {}, wanted {}",
                dtype_info(options.kv_dtype).name, kv_dtype_names());
  return ok();
}

double steady_ms() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

ForwardOptions forward_options(const EngineOptions& options, const Model& model) {
  // Prompt rows of a step are one chunk in all; a sequence that answers brings a token and its
  // drafts. The draft head catches up on the same rows, and on as many as HiddenUnits keeps.
  const int64_t verification = options.sequences_max * (options.draft_tokens_max + 1);
  const int64_t catch_up = options.sequences_max * (2 * options.draft_tokens_max + 5);
  const int64_t pages_each = (options.context + kPageTokens - 1) / kPageTokens;
  // A text that goes on inside of a cached page holds that page and its copy for a moment.
  const int64_t cache_pages = options.cache.on ? options.sequences_max + options.cache.pages : 0;
  const StateOptions states{.kv_dtype = options.kv_dtype, .log_tokens = options.draft_tokens_max};
  return {.pages = options.sequences_max * pages_each + cache_pages,
          .sequences_max = options.sequences_max,
          .step_tokens_max = options.chunk_tokens + catch_up,
          .step_outputs_max = verification,
          .draft_tokens_max = options.draft_tokens_max,
          .kv_dtype = options.kv_dtype,
          .checkpoints = checkpoints_of(options.cache, model, states),
          .page_table_max = options.sequences_max * pages_each};
}

}  // namespace

Engine::Engine(const EngineOptions& options, const TokenRules& rules,
               std::unique_ptr<Forward> forward)
    : options_(options),
      tokens_(std::min(rules.tokens, forward->info().vocab)),
      end_tokens_(rules.end_tokens.begin(), rules.end_tokens.end()),
      bytes_(rules.bytes),
      model_(rules.model),
      forward_(std::move(forward)) {
  tasks_.resize(static_cast<size_t>(options.sequences_max));
  if (!options_.clock_ms) options_.clock_ms = steady_ms;
}

Result<std::unique_ptr<Engine>> Engine::make(const LoadedModel& model, const EngineOptions& options,
                                             const TokenRules& rules,
                                             std::unique_ptr<Drafter> drafter) {
  TROIKA_RETURN_IF_ERROR(validate_options(options));
  TROIKA_TRY(auto forward, Forward::make(model, forward_options(options, model.model)));
  std::unique_ptr<Engine> engine(new Engine(options, rules, std::move(forward)));
  TROIKA_RETURN_IF_ERROR(engine->make_drafters(std::move(drafter)));
  engine->memory_ =
      std::make_unique<SequenceMemory>(*engine->forward_, *engine->speculation_, options.cache);
  return engine;
}

MemoryNeed Engine::memory_need(const Model& model, const EngineOptions& options) {
  const ForwardOptions f = forward_options(options, model);
  const HiddenUnits hidden(f.step_tokens_max, f.sequences_max, f.draft_tokens_max);
  return {.pages = f.pages,
          .sequences = f.sequences_max,
          .hidden_rows = hidden.count(0),
          .checkpoints = f.checkpoints,
          .options = {.kv_dtype = f.kv_dtype, .log_tokens = f.draft_tokens_max}};
}

/// What the answer shall be, apart from its sampling.
Status Engine::validate_answer(const Request& request) const {
  TROIKA_RETURN_IF_ERROR(in_range("tokens_max", request.tokens_max, -1, INT64_MAX));
  const int64_t min_max = request.tokens_max < 0 ? options_.context : request.tokens_max;
  TROIKA_RETURN_IF_ERROR(in_range("tokens_min", request.tokens_min, 0, min_max));
  TROIKA_RETURN_IF_ERROR(in_range("choice", request.choice, 0, INT32_MAX));
  TROIKA_RETURN_IF_ERROR(in_range("top_logprobs", request.top_logprobs, 0, kTopLogprobsMax));
  TROIKA_RETURN_IF_ERROR(check_stop_strings(request.stop));
  if (bytes_ == nullptr && (!request.stop.empty() || request.on_text))
    return fail(ErrorCode::invalid_argument,
                "stop strings and text are asked of an engine that knows only ids, wanted neither");
  return ok();
}

Status Engine::validate_session(const Request& request) const {
  if (request.session == nullptr) return ok();
  const SessionFile& file = *request.session;
  TROIKA_RETURN_IF_ERROR(check_session(*forward_, file, speculation_->uses_head(), model_));
  const auto computed =
      std::span(file.header().tokens).first(static_cast<size_t>(file.header().computed));
  if (std::ssize(request.prompt) > std::ssize(computed) &&
      std::ranges::equal(computed, std::span(request.prompt).first(computed.size())))
    return ok();
  return fail(ErrorCode::invalid_argument,
              "{}: its {} computed tokens do not begin the prompt of {}, wanted a prompt that goes "
              "on from them",
              file.name(), computed.size(), request.prompt.size());
}

Status Engine::make_drafters(std::unique_ptr<Drafter> given) {
  std::vector<std::unique_ptr<Drafter>> drafters;
  if (given != nullptr) {
    drafters.push_back(std::move(given));
  } else if (options_.draft_tokens_max > 0) {
    drafters.push_back(std::make_unique<NgramDrafter>(options_.sequences_max));
    if (forward_->info().draft_head)
      drafters.push_back(std::make_unique<MtpDrafter>(*forward_, tokens_, end_tokens_));
    if (options_.draft_model != nullptr) {
      TROIKA_TRY(auto drafter, ModelDrafter::make(*options_.draft_model,
                                                  {.context = options_.context,
                                                   .sequences_max = options_.sequences_max,
                                                   .chunk_tokens = options_.chunk_tokens,
                                                   .draft_tokens_max = options_.draft_tokens_max,
                                                   .kv_dtype = options_.kv_dtype,
                                                   .tokens = tokens_}));
      drafters.push_back(std::move(drafter));
    }
  }
  speculation_ = std::make_unique<Speculation>(std::move(drafters));
  return ok();
}

Status Engine::validate(const Request& request) const {
  TROIKA_RETURN_IF_ERROR(validate_answer(request));
  const auto prompt = std::ssize(request.prompt);
  if (prompt == 0)
    return fail(ErrorCode::invalid_argument, "the prompt is empty, wanted at least one token");
  if (prompt >= options_.context)
    return fail(
        ErrorCode::invalid_argument,
        "the prompt has {} tokens and the context {}, wanted a shorter prompt or a larger context",
        prompt, options_.context);
  for (const TokenId id : request.prompt)
    if (static_cast<int64_t>(id) < 0 || static_cast<int64_t>(id) >= tokens_)
      return fail(ErrorCode::invalid_argument, "the prompt holds id {}, wanted 0 to {}",
                  static_cast<int32_t>(id), tokens_ - 1);
  TROIKA_RETURN_IF_ERROR(validate_session(request));
  TROIKA_RETURN_IF_ERROR(troika::validate(request.speculation, options_.draft_tokens_max));
  return speculation_->check(request.speculation.type);
}

Result<SeqId> Engine::submit(Request request) {
  TROIKA_RETURN_IF_ERROR(validate(request));
  const auto free = std::ranges::find_if(tasks_, [](const auto& t) { return t == nullptr; });
  if (free == tasks_.end())
    return fail(ErrorCode::exhausted, "all {} sequences are in use", tasks_.size());
  auto task = std::make_unique<Task>();
  Sequence& s = task->sequence;
  TROIKA_TRY(s.sampler, Sampler::make(request.sampling, request.choice, tokens_, end_tokens_,
                                      std::ssize(request.prompt) + request.tokens_min));
  s.id = static_cast<SeqId>(next_id_++);
  s.slot = static_cast<int32_t>(free - tasks_.begin());
  s.tenant = request.tenant;
  s.scope = request.cache.group ? scope_of(*request.cache.group) : scope_of(request.tenant);
  // What a file says it computed is nobody's business but its tenant's.
  s.use_cache = request.cache.on && (request.session == nullptr || !request.cache.group);
  s.tokens = request.prompt;
  s.prompt_tokens = std::ssize(request.prompt);
  const int64_t room = options_.context - s.prompt_tokens;
  s.tokens_end =
      s.prompt_tokens + (request.tokens_max < 0 ? room : std::min(room, request.tokens_max));
  s.stop_at_end_tokens = !request.sampling.ignore_eos;
  s.tokens.reserve(static_cast<size_t>(s.tokens_end));
  for (const TokenId id : s.tokens) s.sampler->accept(id);
  Speculation::begin(task->drafting, s, request.speculation);
  if (request.on_text || !request.stop.empty()) task->text.emplace(request.stop);
  task->request = std::move(request);
  if (s.tokens_left() == 0)
    s.finish = FinishReason::length;
  else
    TROIKA_RETURN_IF_ERROR(begin(*task));
  const SeqId id = s.id;
  *free = std::move(task);
  return id;
}

/// Lets a text begin behind what need not be computed.
Status Engine::begin(Task& task) {
  Sequence& s = task.sequence;
  if (task.request.session == nullptr) return memory_->begin(s);
  const Status restored = restore_session(*forward_, *memory_, s, *task.request.session);
  if (!restored.ok()) memory_->release(s);
  task.request.session = nullptr;
  return restored;
}

Status Engine::save(SeqId id, const std::string& path) {
  Sequence& s = task(id).sequence;
  TROIKA_RETURN_IF_ERROR(speculation_->settle(s));
  return save_session(*forward_, s, speculation_->uses_head(), model_, path);
}

bool Engine::at_work(const Task& task, bool answering) const {
  return task.sequence.finish == FinishReason::none && task.sequence.answering() == answering;
}

Status Engine::propose() {
  const double start_ms = options_.clock_ms();
  answering_.clear();
  int64_t prompt_rows = 0;
  for (const auto& task : tasks_) {
    if (task == nullptr) continue;
    const Sequence& s = task->sequence;
    if (at_work(*task, false)) prompt_rows += std::ssize(s.tokens) - s.computed;
    if (at_work(*task, true)) answering_.push_back(&task->drafting);
  }
  prompt_rows = std::min(prompt_rows, options_.chunk_tokens);
  reads_prompts_ = prompt_rows > 0;
  speculation_->choose(answering_, prompt_rows);
  for (Drafting* drafting : answering_) {
    Sequence& s = *drafting->sequence;
    TROIKA_RETURN_IF_ERROR(memory_->cover(s, s.computed + 1 + drafting->choice.depth));
  }
  TROIKA_TRY(trunk_start_ms_, speculation_->propose(start_ms, options_.clock_ms));
  return ok();
}

Status Engine::add_rows(Task& task, int64_t prompt_budget) {
  Sequence& s = task.sequence;
  StepInputs& inputs = forward_->inputs();
  const bool answering = s.answering();
  const int64_t left = std::ssize(s.tokens) - s.computed;
  task.rows = answering ? 1 + std::ssize(task.drafting.drafts())
                        : std::min(memory_->rows_to_stop(s), prompt_budget);
  task.first_row = inputs.tokens();
  task.first_output = inputs.outputs();
  if (task.rows == 0) return ok();
  // One position more than the rows: the draft head may write the cell after the last one.
  TROIKA_RETURN_IF_ERROR(memory_->cover(s, s.computed + task.rows + 1));
  inputs.begin_sequence({.pages = s.pages,
                         .position = s.computed,
                         .state_slot = s.slot,
                         .replay = s.replay,
                         .certain = static_cast<int32_t>(answering ? 1 : task.rows),
                         .fresh = s.computed == 0});
  for (int64_t i = 0; i < task.rows; i++) {
    const int64_t position = s.computed + i;
    const bool last_of_prompt = !answering && i + 1 == left;
    const bool draft = answering && i > 0;
    inputs.add_row({.token = draft ? task.drafting.drafts()[static_cast<size_t>(i - 1)]
                                   : s.tokens[static_cast<size_t>(position)],
                    .hidden_out = answering || last_of_prompt
                                      ? forward_->hidden().kept(s.slot, position)
                                      : forward_->hidden().scratch(inputs.tokens()),
                    .output = answering || last_of_prompt});
  }
  task.outputs = inputs.outputs() - task.first_output;
  return ok();
}

Result<bool> Engine::step() {
  TROIKA_RETURN_IF_ERROR(propose());
  forward_->inputs().clear();
  int64_t prompt_budget = options_.chunk_tokens;
  // Sequences that answer come first: they wait for each token, a prompt only for its last.
  for (const bool answering : {true, false})
    for (const auto& task : tasks_) {
      if (task == nullptr || task->sequence.answering() != answering) continue;
      task->rows = 0;
      task->outputs = 0;
      if (task->sequence.finish != FinishReason::none) continue;
      TROIKA_RETURN_IF_ERROR(add_rows(*task, prompt_budget));
      if (!answering) prompt_budget -= task->rows;
    }
  if (forward_->inputs().tokens() == 0) return false;
  TROIKA_RETURN_IF_ERROR(forward_->run_trunk());
  TROIKA_RETURN_IF_ERROR(judge());
  return true;
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
  if (task.request.on_logprob)
    task.request.on_logprob(logprobs_.of(real, token, task.request.top_logprobs));
  return token;
}

/// Adds a chosen token to its text, which may end with it.
void Engine::take(Task& task, TokenId token) {
  Sequence& s = task.sequence;
  s.tokens.push_back(token);
  s.sampler->accept(token);
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
  if (!task.text) return;
  if (const auto by = task.text->stopped_by()) s.stop_string = static_cast<int32_t>(*by);
  delta_.clear();
  task.text->finish(delta_);
  if (task.request.on_text && !delta_.empty()) task.request.on_text(delta_);
}

void Engine::judge_task(Task& task, std::span<const int32_t> argmax,
                        std::span<const float> logits) {
  Sequence& s = task.sequence;
  const bool answering = s.answering();
  int64_t accepted = 0;
  for (int64_t i = 0; i < task.outputs && s.finish == FinishReason::none; i++) {
    const TokenId token = choose(task, task.first_output + i, argmax, logits);
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
  if (!answering) {
    if (task.request.on_prompt) task.request.on_prompt(s.computed, s.prompt_tokens);
    return;
  }
  speculation_->observe(task.drafting, accepted);
}

/// The results of the step were just read, so all that it launched is done. Rows of a prompt want
/// no logits and may be the first after a long rest: their steps teach nothing about drafts.
void Engine::learn_costs() {
  const double trunk_ms = options_.clock_ms() - trunk_start_ms_;
  speculation_->learn(forward_->inputs().tokens(), trunk_ms, !reads_prompts_);
}

Status Engine::judge() {
  const int64_t outputs = forward_->inputs().outputs();
  std::span<const int32_t> argmax;
  std::span<const float> logits;
  const bool read_logits = std::ranges::any_of(
      tasks_, [this](const auto& task) { return task != nullptr && wants_logits(*task); });
  if (read_logits) {
    TROIKA_TRY(logits, forward_->read_logits(outputs));
  } else if (outputs > 0) {
    TROIKA_TRY(argmax, forward_->read_argmax(outputs));
  }
  learn_costs();
  followed_.clear();
  for (const auto& task : tasks_)
    if (task != nullptr && task->rows > 0) judge_task(*task, argmax, logits);
  TROIKA_RETURN_IF_ERROR(speculation_->follow(followed_));
  for (const FollowedRows& rows : followed_)
    if (!rows.kept) TROIKA_RETURN_IF_ERROR(memory_->read(rows));
  return ok();
}

Engine::Task& Engine::task(SeqId id) const {
  const auto found = std::ranges::find_if(
      tasks_, [id](const auto& task) { return task != nullptr && task->sequence.id == id; });
  TROIKA_CHECK(found != tasks_.end());
  return **found;
}

const Sequence& Engine::sequence(SeqId id) const {
  return task(id).sequence;
}

void Engine::cancel(SeqId id) {
  end(task(id), FinishReason::cancelled);
}

void Engine::release(SeqId id) {
  Task& done = task(id);
  // What cannot be kept is computed again; a device that fails says so in the next step.
  (void)memory_->keep(done.sequence).ok();
  speculation_->forget(done.sequence);
  memory_->release(done.sequence);
  tasks_[static_cast<size_t>(done.sequence.slot)] = nullptr;
}

}  // namespace troika
