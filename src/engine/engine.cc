#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>

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
  const int64_t pages_each = (options.context + kPageTokens - 1) / kPageTokens;
  if (options.pages != 0 && options.pages < pages_each)
    return fail(ErrorCode::invalid_argument, "pages is {}, wanted at least {} for the context",
                options.pages, pages_each);
  TROIKA_RETURN_IF_ERROR(in_range("spill_bytes", options.spill_bytes, 0, INT64_MAX));
  if (!(options.step_ms_max >= 0))
    return fail(ErrorCode::invalid_argument, "step_ms_max is {}, wanted 0 or more",
                options.step_ms_max);
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
  const int64_t pages = options.pages > 0 ? options.pages : options.sequences_max * pages_each;
  return {.pages = pages + cache_pages,
          .sequences_max = options.sequences_max,
          .step_tokens_max = options.chunk_tokens + catch_up,
          .step_outputs_max = verification,
          .draft_tokens_max = options.draft_tokens_max,
          .kv_dtype = options.kv_dtype,
          .checkpoints = checkpoints_of(options.cache, model, states),
          .page_table_max = options.sequences_max * pages_each};
}

/// Null where nothing is to go to disk.
Result<std::unique_ptr<PrefixStore>> open_store(const CacheOptions& options, uint64_t model,
                                                const Forward& forward) {
  if (!options.on || options.disk_folder.empty()) return std::unique_ptr<PrefixStore>();
  return PrefixStore::open({.folder = options.disk_folder,
                            .bytes_max = options.disk_bytes,
                            .model = model,
                            .layout = forward.layout(),
                            .on_warning = options.on_disk_warning});
}

ModelDrafterOptions drafter_options(const EngineOptions& options, int64_t tokens) {
  return {.context = options.context,
          .sequences_max = options.sequences_max,
          .chunk_tokens = options.chunk_tokens,
          .draft_tokens_max = options.draft_tokens_max,
          .kv_dtype = options.kv_dtype,
          .tokens = tokens};
}

}  // namespace

Engine::Engine(const EngineOptions& options, const TokenRules& rules,
               std::unique_ptr<Forward> forward)
    : options_(options),
      tokens_(std::min(rules.tokens, forward->info().vocab)),
      end_tokens_(rules.end_tokens.begin(), rules.end_tokens.end()),
      bytes_(rules.bytes),
      encode_(rules.encode),
      model_(rules.model),
      forward_(std::move(forward)),
      pace_(options.step_ms_max),
      slots_(static_cast<size_t>(options.sequences_max), nullptr) {
  if (!options_.clock_ms) options_.clock_ms = steady_ms;
}

Result<std::unique_ptr<Engine>> Engine::make(const LoadedModel& model, const EngineOptions& options,
                                             const TokenRules& rules,
                                             std::unique_ptr<Drafter> drafter) {
  TROIKA_RETURN_IF_ERROR(validate_options(options));
  TROIKA_TRY(auto forward, Forward::make(model, forward_options(options, model.model)));
  std::unique_ptr<Engine> engine(new Engine(options, rules, std::move(forward)));
  TROIKA_RETURN_IF_ERROR(engine->make_drafters(std::move(drafter)));
  TROIKA_TRY(engine->scheduler_, Scheduler::make(options.scheduling));
  TROIKA_RETURN_IF_ERROR(engine->set_tenant(TenantId{}, options.default_tenant));
  if (Spill::bytes_held(options.spill_bytes) > 0) {
    TROIKA_TRY(engine->spill_, Spill::make(*engine->forward_, options.spill_bytes));
  }
  TROIKA_TRY(auto store, open_store(options.cache, rules.model, *engine->forward_));
  engine->memory_ = std::make_unique<SequenceMemory>(*engine->forward_, *engine->speculation_,
                                                     options.cache, std::move(store));
  return engine;
}

ForwardOptions Engine::forward_need(const Model& model, const EngineOptions& options) {
  return forward_options(options, model);
}

MemoryNeed Engine::memory_need(const Model& model, const EngineOptions& options) {
  const ForwardOptions f = forward_options(options, model);
  const HiddenUnits hidden(f.step_tokens_max, f.sequences_max, f.draft_tokens_max);
  return {.pages = f.pages,
          .sequences = f.sequences_max,
          .hidden_rows = hidden.count(0),
          .checkpoints = f.checkpoints,
          .spill_bytes = Spill::bytes_held(options.spill_bytes),
          .options = {.kv_dtype = f.kv_dtype, .log_tokens = f.draft_tokens_max}};
}

MemoryNeed Engine::draft_model_need(const Model&, const EngineOptions& options) {
  return ModelDrafter::memory_need(drafter_options(options, 0));
}

int64_t Engine::device_bytes() const {
  return forward_->device_bytes() + speculation_->device_bytes();
}

/// What the answer shall be, apart from its sampling.
Status Engine::check_answer(const Request& request) const {
  TROIKA_RETURN_IF_ERROR(in_range("tokens_max", request.tokens_max, -1, INT64_MAX));
  const int64_t min_max = request.tokens_max < 0 ? options_.context : request.tokens_max;
  TROIKA_RETURN_IF_ERROR(in_range("tokens_min", request.tokens_min, 0, min_max));
  TROIKA_RETURN_IF_ERROR(in_range("choice", request.choice, 0, INT32_MAX));
  TROIKA_RETURN_IF_ERROR(in_range("top_logprobs", request.top_logprobs, 0, kTopLogprobsMax));
  TROIKA_RETURN_IF_ERROR(check_stop_strings(request.stop));
  if (request.grammar != nullptr && request.grammar->vocabulary().tokens() != tokens_)
    return fail(ErrorCode::invalid_argument,
                "the grammar is for {} tokens, wanted one for the model's {}",
                request.grammar->vocabulary().tokens(), tokens_);
  if (bytes_ == nullptr && (!request.stop.empty() || request.on_text))
    return fail(ErrorCode::invalid_argument,
                "stop strings and text are asked of an engine that knows only ids, wanted neither");
  return ok();
}

Status Engine::check_session(const Request& request) const {
  if (request.session == nullptr) return ok();
  const SessionFile& file = *request.session;
  TROIKA_RETURN_IF_ERROR(troika::check_session(*forward_, file, speculation_->uses_head(), model_));
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
      TROIKA_TRY(auto drafter,
                 ModelDrafter::make(*options_.draft_model, drafter_options(options_, tokens_)));
      drafters.push_back(std::move(drafter));
    }
  }
  speculation_ = std::make_unique<Speculation>(std::move(drafters));
  return ok();
}

Status Engine::check(const Request& request) const {
  TROIKA_RETURN_IF_ERROR(check_answer(request));
  if (std::isnan(request.timeout_ms))
    return fail(ErrorCode::invalid_argument, "timeout_ms is not a number");
  TROIKA_RETURN_IF_ERROR(request.sampling.validate(tokens_));
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
  TROIKA_RETURN_IF_ERROR(check_session(request));
  TROIKA_RETURN_IF_ERROR(troika::validate(request.speculation, options_.draft_tokens_max));
  return speculation_->check(request.speculation.type);
}

EngineStatistics Engine::statistics() const {
  const Pages& pages = memory_->pages();
  const StoredPrefixes* stored = memory_->stored();
  EngineStatistics all{.steps = steps_,
                       .rows = forward_->trunk_rows(),
                       .waiting = scheduler_->waiting(),
                       .running = scheduler_->running(),
                       .sequences_max = options_.sequences_max,
                       .pages = pages.count(),
                       .pages_free = pages.free(),
                       .pages_cached = pages.only_cached(),
                       .spilled = spill_ != nullptr ? spill_->saved() : 0,
                       .disk_bytes = stored != nullptr ? stored->store().bytes() : 0,
                       .disk_pages_read = stored != nullptr ? stored->pages_loaded() : 0,
                       .tenants = {}};
  std::unordered_map<TenantId, int64_t> held;
  for (const Task* at_work : slots_)
    if (at_work != nullptr) held[at_work->sequence.tenant] += std::ssize(at_work->sequence.pages);
  const PrefixCache* cache = memory_->cache();
  scheduler_->for_each_tenant([&](TenantId tenant, const TenantStatistics& requests) {
    TenantReport& report = all.tenants.emplace_back();
    report.tenant = tenant;
    report.requests = requests;
    if (const auto drafts = drafts_.find(tenant); drafts != drafts_.end())
      report.drafts = drafts->second;
    if (cache != nullptr) report.cache = cache->statistics(tenant);
    if (const auto pages_held = held.find(tenant); pages_held != held.end())
      report.pages = pages_held->second;
  });
  return all;
}

Status Engine::set_tenant(TenantId tenant, const TenantPolicy& policy) {
  return scheduler_->set_tenant(tenant, policy);
}

/// The breakers of a request, found once for each list of strings.
std::shared_ptr<const DryBreakers> Engine::dry_breakers(const SamplingOptions& sampling) {
  constexpr size_t kListsMax = 8;
  if (!sampling.avoids_repeats() || !bytes_ || !encode_) return nullptr;
  const auto known = std::ranges::find(dry_breakers_, sampling.dry_breakers, &BreakersOf::first);
  if (known != dry_breakers_.end()) return known->second;
  if (dry_breakers_.size() == kListsMax) dry_breakers_.erase(dry_breakers_.begin());
  auto found = std::make_shared<const DryBreakers>(
      DryBreakers::find(sampling.dry_breakers, tokens_, bytes_, encode_));
  dry_breakers_.emplace_back(sampling.dry_breakers, found);
  return found;
}

Result<std::unique_ptr<Engine::Task>> Engine::make_task(Request request) {
  auto task = std::make_unique<Task>();
  Sequence& s = task->sequence;
  TROIKA_TRY(s.sampler, Sampler::make(request.sampling, request.choice, tokens_, end_tokens_,
                                      std::ssize(request.prompt) + request.tokens_min,
                                      dry_breakers(request.sampling)));
  s.id = static_cast<SeqId>(next_id_++);
  s.tenant = request.tenant;
  s.scope = request.cache.group ? scope_of(*request.cache.group) : scope_of(request.tenant);
  // What a file says it computed is nobody's business but its tenant's.
  s.use_cache = request.cache.on && (request.session == nullptr || !request.cache.group);
  s.tokens = request.prompt;
  s.prompt_tokens = s.read_end = std::ssize(request.prompt);
  const int64_t room = options_.context - s.prompt_tokens;
  s.tokens_end =
      s.prompt_tokens + (request.tokens_max < 0 ? room : std::min(room, request.tokens_max));
  s.stop_at_end_tokens = !request.sampling.ignore_eos;
  s.tokens.reserve(static_cast<size_t>(s.tokens_end));
  for (const TokenId id : s.tokens) s.sampler->accept(id);
  if (request.grammar != nullptr) s.sampler->begin_answer(request.grammar);
  Speculation::begin(task->drafting, s, request.speculation);
  if (request.on_text || !request.stop.empty()) task->text.emplace(request.stop);
  task->stays = request.keep_state;
  task->request = std::move(request);
  return task;
}

Status Engine::enqueue(const Task& task) {
  const Sequence& s = task.sequence;
  ScheduledRequest asked{.id = static_cast<RequestId>(s.id),
                         .tenant = s.tenant,
                         .priority = task.request.priority,
                         .prompt_tokens = s.prompt_tokens,
                         .tokens_max = s.tokens_left()};
  if (task.request.timeout_ms >= 0) asked.deadline_s = now_s() + task.request.timeout_ms / 1e3;
  TROIKA_TRY(const Admission admission, scheduler_->submit(now_s(), asked));
  if (admission.admitted) return ok();
  retry_after_s_ = admission.retry_after_s;
  return fail(ErrorCode::exhausted, "the queue of tenant {} is full, try again in {:.1f} s",
              static_cast<int32_t>(s.tenant), retry_after_s_);
}

Result<SeqId> Engine::submit(Request request) {
  tick();
  TROIKA_RETURN_IF_ERROR(check(request));
  TROIKA_TRY(std::unique_ptr<Task> task, make_task(std::move(request)));
  const SeqId id = task->sequence.id;
  task->sequence.times.submitted_ms = now_ms_;
  if (task->sequence.tokens_left() == 0)
    end(*task, FinishReason::length);
  else
    TROIKA_RETURN_IF_ERROR(enqueue(*task));
  tasks_.emplace(id, std::move(task));
  return id;
}

int64_t Engine::cached_tokens(RequestId id) const {
  return memory_->cached_tokens(task(static_cast<SeqId>(id)).sequence);
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
  if (s.slot < 0)
    return fail(ErrorCode::invalid_argument,
                "the text has no state to be saved, wanted one at work");
  TROIKA_RETURN_IF_ERROR(speculation_->settle(s));
  return save_session(*forward_, s, speculation_->uses_head(), model_, path);
}

int64_t Engine::pages_wanted(RequestId id, int64_t tokens) const {
  const Task& asked = task(static_cast<SeqId>(id));
  const Sequence& s = asked.sequence;
  int64_t held = std::ssize(s.pages);
  if (s.slot < 0 && !asked.spilled) held = memory_->cached_tokens(s) / kPageTokens;
  return std::max<int64_t>(0, (tokens + kPageTokens - 1) / kPageTokens - held);
}

int64_t Engine::pages_freed(RequestId id) const {
  return memory_->pages_freed(task(static_cast<SeqId>(id)).sequence);
}

/// Only texts of one scope are compared, so that no tenant waits for another's.
std::optional<RequestId> Engine::prefix_reader(RequestId id) const {
  Task& asking = task(static_cast<SeqId>(id));
  const Sequence& s = asking.sequence;
  if (asking.reads_on || !s.use_cache) return std::nullopt;
  for (const Task* other : slots_) {
    if (other == nullptr || other == &asking || !other->reads_on) continue;
    const Sequence& reader = other->sequence;
    if (reader.scope != s.scope || reader.answering()) continue;
    CommonBeginning& common = asking.beginning;
    if (common.with != reader.id)
      common = {reader.id, std::ranges::mismatch(s.tokens, reader.tokens).in1 - s.tokens.begin()};
    const int64_t usable = std::min(common.tokens, std::ssize(s.tokens) - 1);
    if (memory_->will_keep(reader, usable) >= s.computed + kPageTokens)
      return static_cast<RequestId>(reader.id);
  }
  return std::nullopt;
}

Engine::Task& Engine::task(SeqId id) const {
  const auto found = tasks_.find(id);
  TROIKA_CHECK(found != tasks_.end());
  return *found->second;
}

const Sequence& Engine::sequence(SeqId id) const {
  return task(id).sequence;
}

void Engine::cancel(SeqId id) {
  Task& cancelled = task(id);
  if (cancelled.sequence.finish != FinishReason::none) return;
  end(cancelled, FinishReason::cancelled);
  // One that waits is nobody's concern any more; one at work leaves when the step is over.
  const auto waiting = static_cast<RequestId>(id);
  if (cancelled.sequence.slot < 0 && scheduler_->knows(waiting))
    TROIKA_CHECK(scheduler_->cancel(now_s(), waiting).ok());
}

Status Engine::preempt(SeqId id, PreemptionKind kind) {
  Task& stopped = task(id);
  if (stopped.sequence.slot < 0 || stopped.sequence.finish != FinishReason::none) return ok();
  TROIKA_TRY(const PreemptionKind done, set_aside(stopped, kind));
  return scheduler_->preempt(now_s(), static_cast<RequestId>(id), done);
}

void Engine::release(SeqId id) {
  cancel(id);
  task(id).stays = false;
  // What cannot be kept is computed again; a device that fails says so in the next step.
  (void)let_go_of_ended().ok();
  tasks_.erase(id);
}

}  // namespace troika
