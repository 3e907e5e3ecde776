// The engine: writes the texts of any number of sequences, step by step, over one loaded model.
//
// Whoever asks gets a place in the queue of its tenant; each step, the scheduler says whose texts
// go on. A step runs a list of (sequence, n tokens): a prompt chunk, one token, or one plus its
// drafts are the same thing with different n. Drafts are proposed before the step and judged after
// it; what a drafter says changes the speed of a text and never a bit of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/result.h"
#include "engine/engine_statistics.h"
#include "engine/forward.h"
#include "engine/logprobs.h"
#include "engine/memory_plan.h"
#include "engine/pace.h"
#include "engine/scheduler.h"
#include "engine/sequence.h"
#include "engine/sequence_memory.h"
#include "engine/session_file.h"
#include "engine/speculation.h"
#include "engine/spill.h"
#include "engine/text_stream.h"

namespace troika {

struct EngineOptions {
  int64_t context = 4096;                    // tokens that a sequence may hold
  int64_t sequences_max = 1;                 // at the same time
  int64_t chunk_tokens = 512;                // of prompts, in one step
  int64_t draft_tokens_max = 8;              // of a sequence, in one step; 0 ... kDraftTokensMax
  DType kv_dtype = DType::f16;               // one of kv_dtypes()
  CacheOptions cache;                        // of beginnings of texts, for texts that begin alike
  const LoadedModel* draft_model = nullptr;  // drafts, beside the model's head; borrowed
  /// KV pages that sequences share, at least what one text of `context` takes; 0: enough for all of
  /// them at once. With fewer, texts are set aside when memory runs out, and go on later.
  int64_t pages = 0;
  /// Host memory for texts that are set aside: what was computed of them goes there where that is
  /// cheaper than to read their tokens again. 0: they always read again.
  int64_t spill_bytes = 0;
  /// Milliseconds that a step should take while texts are being written: prompts are cut to it. 0:
  /// chunk_tokens alone decides.
  double step_ms_max = 0;
  SchedulerOptions scheduling;
  /// Of tenant 0, who asks where nobody says who asks.
  TenantPolicy default_tenant = {.queue_max = 1 << 16};
  /// Milliseconds on a clock that only goes forward, for the choice of draft depths; empty: that of
  /// the machine. It has no say in what is written.
  std::function<double()> clock_ms;
};

/// What the engine must know of the tokenizer.
struct TokenRules {
  int64_t tokens = 0;                   // ids that exist: 0 ... tokens - 1
  std::span<const TokenId> end_tokens;  // that end a text
  /// The bytes that a token adds to a text, which may be part of a character; without it there are
  /// no stop strings and no Request::on_text.
  std::function<std::string(TokenId)> bytes = {};
  /// The tokens of a text, none added; without it and `bytes`, DRY knows no sequence breakers.
  std::function<std::vector<TokenId>(std::string_view)> encode = {};
  uint64_t model = 0;  // model_fingerprint() of what is loaded, for session files
};

/// What a request does with the prefix cache.
struct CacheUse {
  bool on = true;  // read it and leave something there
  /// Share with this group's texts instead of the tenant's own; what comes from a session file is
  /// not shared.
  std::optional<GroupId> group;
};

/// One text to write.
struct Request {
  TenantId tenant{};  // 0, or one made known by set_tenant()
  PriorityClass priority = PriorityClass::normal;
  double timeout_ms = -1;  // from submission to the last token; -1: none
  CacheUse cache;
  std::vector<TokenId> prompt;
  /// What is computed there is restored; its computed tokens begin the prompt, which has more.
  std::shared_ptr<const SessionFile> session;
  bool keep_state = false;  // after its end, until release(): for save()
  int64_t tokens_max = -1;  // of the answer; -1: until the context is full
  int64_t tokens_min = 0;   // of the answer, before which it ends by none of its own means
  SamplingOptions sampling;
  int32_t choice = 0;  // among those asked for one prompt: each draws its own noise from the seed
  /// What the answer must be: tokens that it does not allow are not chosen. Made for the tokens of
  /// the engine's model.
  std::shared_ptr<const TokenGrammar> grammar;
  std::vector<std::string> stop;  // the first of these ends the answer and is not part of its text
  int64_t top_logprobs = 0;       // alternatives that on_logprob gets
  SpeculationOptions speculation;
  std::function<void(TokenId)> on_token;  // each chosen token, end tokens included
  std::function<void(std::span<const float>)>
      on_row;  // each row of logits that chose a token, before it
  std::function<void(const ChosenLogprob&)> on_logprob;  // of each chosen token, before it
  /// Text as soon as it is certain: see TextStream. Tokens that end the answer add none.
  std::function<void(std::string_view)> on_text;
  std::function<void(int64_t done, int64_t total)> on_prompt;  // prompt tokens read
};

/// Thread: one, which owns it.
class Engine : private PageView {
 public:
  /// Plans memory for `options` and compiles the model. `model` is borrowed. Without a `drafter`,
  /// these draft: the model's own head, where it has one, n-grams of the text, and
  /// options.draft_model. Errors: invalid_argument — an option out of its range, a draft model with
  /// fewer tokens; exhausted — the memory does not suffice.
  static Result<std::unique_ptr<Engine>> make(const LoadedModel& model,
                                              const EngineOptions& options, const TokenRules& rules,
                                              std::unique_ptr<Drafter> drafter = nullptr);

  /// What an engine with such options, which are in range, will hold: in its forward passes, and
  /// for plan_memory().
  static ForwardOptions forward_need(const Model& model, const EngineOptions& options);
  static MemoryNeed memory_need(const Model& model, const EngineOptions& options);

  /// The same for what drafts as options.draft_model.
  static MemoryNeed draft_model_need(const Model& draft_model, const EngineOptions& options);

  /// Bytes of states and step buffers, those of a draft model included.
  int64_t device_bytes() const;

  /// Rows of the trunk, in all steps so far.
  int64_t rows() const { return forward_->trunk_rows(); }

  /// Whether submit() would take the request if there were room. Thread: any.
  Status check(const Request& request) const;

  /// Makes a tenant known, or changes what it may. Errors: invalid_argument.
  Status set_tenant(TenantId tenant, const TenantPolicy& policy);

  /// Puts a request into its tenant's queue. Errors: invalid_argument — an empty prompt, a prompt
  /// that does not fit the context with one token to spare, an id that is no token, sampling
  /// options, stop strings or counts out of range, drafts from a model without a draft head;
  /// not_found — an unknown tenant; exhausted — the queue is full, see retry_after_s().
  Result<SeqId> submit(Request request);

  /// When to try again after submit() found the queue full, in seconds.
  double retry_after_s() const { return retry_after_s_; }

  /// Runs one step over the sequences whose turn it is. False: there was nothing to do; texts that
  /// wait nevertheless can begin only after a release() or run out of time.
  Result<bool> step();

  /// What is known about a sequence, until release().
  const Sequence& sequence(SeqId id) const;

  /// Writes a sequence to the file at `path`: a prompt that goes on from there (Request::session)
  /// computes only what follows, with the same bits. Between steps.
  /// Errors: invalid_argument — its prompt is not read yet, or it is not at work (any more: see
  /// Request::keep_state); those of the file.
  Status save(SeqId id, const std::string& path);

  /// Ends a sequence before the next step; its tokens so far stay readable.
  void cancel(SeqId id);

  /// Sets a sequence at work aside before the next step, as the scheduler does when memory is
  /// wanted. It goes on later, with the same bits. Nothing if it is not at work.
  /// @param kind  spill is recompute where there is no room.
  Status preempt(SeqId id, PreemptionKind kind = PreemptionKind::recompute);

  /// Forgets a sequence and frees what it held; what it computed may stay in the prefix cache.
  void release(SeqId id);

  const Forward& forward() const { return *forward_; }

  /// Pages and states of sequences, and the prefix cache.
  SequenceMemory& memory() { return *memory_; }

  /// Who waits, who is at work, and what each tenant was given.
  const Scheduler& scheduler() const { return *scheduler_; }

  /// What was done and what is held, by tenant. Cost: O(tenants + at work).
  EngineStatistics statistics() const;

  /// What steps cost, as far as they were measured.
  const CostModel& costs() const { return speculation_->costs(); }

 private:
  struct CommonBeginning {
    SeqId with{-1};
    int64_t tokens = 0;
  };

  struct Task {
    Sequence sequence;
    Request request;
    Drafting drafting;
    std::optional<TextStream> text;  // where text is asked for
    std::optional<SpilledText> spilled;
    bool reads_on = false;      // has read something since it was brought in
    CommonBeginning beginning;  // with another text, the last that was compared
    bool stays = false;         // in its slot, though it ended
    int64_t rows = 0;           // in the running step
    int64_t first_row = 0;
    int64_t first_output = 0;
    int64_t outputs = 0;
  };

  Engine(const EngineOptions& options, const TokenRules& rules, std::unique_ptr<Forward> forward);
  Status make_drafters(std::unique_ptr<Drafter> given);
  Status check_answer(const Request& request) const;
  Status check_session(const Request& request) const;
  Status begin(Task& task);
  std::shared_ptr<const DryBreakers> dry_breakers(const SamplingOptions& sampling);
  Result<std::unique_ptr<Task>> make_task(Request request);
  Status enqueue(const Task& task);
  Task& task(SeqId id) const;
  /// Reads the clock: once in submit(), three times in a step.
  void tick() { now_ms_ = options_.clock_ms(); }
  double now_s() const { return now_ms_ / 1e3; }

  // PageView
  int64_t cached_tokens(RequestId id) const override;
  int64_t pages_wanted(RequestId id, int64_t tokens) const override;
  int64_t pages_freed(RequestId id) const override;
  std::optional<RequestId> prefix_reader(RequestId id) const override;

  // engine_step.cc
  StepLimits step_limits() const;
  Status carry_out(const ScheduledStep& plan);
  Status take_part(Task& task, int64_t rows);
  Status look_again(Task& task);
  Status bring_in(Task& task, const ScheduledStep::Start& start);
  Status restore(Task& task);
  Status leave(Task& task);
  void vacate(Task& task);
  Result<PreemptionKind> set_aside(Task& task, PreemptionKind wanted);
  Result<bool> let_go_of_ended();
  Result<bool> cover(Task& task, int64_t tokens);
  Status cover_all(std::vector<Task*>& tasks);
  Status propose();
  void gather();
  void add_rows(Task& task);
  void learn_costs();
  Status learn_pace();
  Status judge();
  Status judge_task(Task& task, std::span<const int32_t> argmax, std::span<const float> logits);
  void take(Task& task, TokenId token);
  void end(Task& task, FinishReason reason);
  TokenId choose(Task& task, int64_t output, std::span<const int32_t> argmax,
                 std::span<const float> logits);
  bool wants_logits(const Task& task) const;

  EngineOptions options_;
  int64_t tokens_;
  std::vector<TokenId> end_tokens_;
  std::function<std::string(TokenId)> bytes_;
  std::function<std::vector<TokenId>(std::string_view)> encode_;
  using BreakersOf = std::pair<std::vector<std::string>, std::shared_ptr<const DryBreakers>>;
  std::vector<BreakersOf> dry_breakers_;  // of the lists asked for last
  uint64_t model_;
  std::unique_ptr<Forward> forward_;
  std::unique_ptr<Speculation> speculation_;
  std::unique_ptr<SequenceMemory> memory_;
  std::unique_ptr<Scheduler> scheduler_;
  Pace pace_;
  std::unique_ptr<Spill> spill_;  // null: there is none
  PreemptionCosts preemption_costs_;
  std::unordered_map<SeqId, std::unique_ptr<Task>> tasks_;
  std::vector<Task*> slots_;                              // by state slot; null: free
  std::unordered_map<TenantId, DraftStatistics> drafts_;  // of all its texts
  int64_t steps_ = 0;
  double retry_after_s_ = 0;
  double now_ms_ = 0;

  // Of the running step.
  std::vector<Task*> answering_, reading_;
  std::vector<Drafting*> drafting_;
  bool reads_prompts_ = false;
  double start_ms_ = 0;
  double trunk_start_ms_ = 0;
  std::vector<FollowedRows> followed_;
  Candidates scratch_;
  Logprobs logprobs_;
  std::string delta_;  // of text
  int32_t next_id_ = 0;
};

}  // namespace troika
