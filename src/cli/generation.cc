#include "cli/generation.h"

#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "cli/interrupt.h"

namespace troika::cli {
namespace {

struct FreeHash {
  void operator()(XXH64_state_t* state) const { XXH64_freeState(state); }
};

/// What the engine's callbacks collect.
class Collector {
 public:
  Collector(const Tokenizer& tokenizer, const GenerateOptions& options)
      : tokenizer_(tokenizer), options_(options) {
    if (options.hash_logits) XXH64_reset(hash_.get(), 0);
  }

  void listen(Request& request) {
    request.on_token = [this](TokenId id) { take(id); };
    request.on_text = [this](std::string_view text) { ready_ += text; };
    if (options_.logprobs)
      request.on_logprob = [this](const ChosenLogprob& chosen) { take(chosen); };
    request.on_prompt = [this](int64_t done, int64_t total) {
      if (options_.progress != nullptr) options_.progress->show("reading prompt", done, total);
    };
    if (options_.hash_logits)
      request.on_row = [this](std::span<const float> row) {
        XXH64_update(hash_.get(), row.data(), row.size_bytes());
      };
  }

  /// Hands out the text that came since the last call.
  Status hand_out() {
    if (ready_.empty()) return ok();
    generation.text += ready_;
    const Status written = options_.on_text ? options_.on_text(ready_) : ok();
    ready_.clear();
    return written;
  }

  Status finish() {
    if (options_.hash_logits) generation.logits_xxh64 = XXH64_digest(hash_.get());
    return hand_out();
  }

  Generation generation;
  double first_token_ms = 0;  // 0: there was none
  double last_token_ms = 0;

 private:
  void take(TokenId id) {
    if (generation.tokens.empty()) {
      first_token_ms = clock_ms();
      if (options_.progress != nullptr) options_.progress->finish();
    }
    generation.tokens.push_back(id);
    last_token_ms = clock_ms();
  }

  void take(const ChosenLogprob& chosen) {
    GeneratedLogprob& kept = generation.logprobs.emplace_back();
    kept.token = with_text(chosen.token);
    for (const TokenLogprob& entry : chosen.top) kept.top.push_back(with_text(entry));
  }

  TextLogprob with_text(const TokenLogprob& entry) const {
    return {entry.id, tokenizer_.piece(entry.id, true), entry.logprob};
  }

  const Tokenizer& tokenizer_;
  const GenerateOptions& options_;
  std::string ready_;
  std::unique_ptr<XXH64_state_t, FreeHash> hash_{XXH64_createState()};
};

Status step_to_end(Engine& engine, SeqId id, Collector& collector) {
  const InterruptScope interrupt;
  while (engine.sequence(id).finish == FinishReason::none) {
    if (interrupt.requested()) {
      engine.cancel(id);
      break;
    }
    TROIKA_TRY(const bool worked, engine.step());
    if (!worked) return fail(ErrorCode::internal, "the engine stopped before the text ended");
    TROIKA_RETURN_IF_ERROR(collector.hand_out());
  }
  return collector.finish();
}

/// Who drafted most.
DraftClass main_class(const DraftStatistics& drafts) {
  const auto most = std::ranges::max_element(drafts.by_class, {}, &DraftCounts::proposed);
  return static_cast<DraftClass>(most - drafts.by_class.begin());
}

/// What steps cost with 0, 1, 2 ... drafts, up to the deepest that was tried.
std::vector<double> step_costs(const Engine& engine, const DraftStatistics& drafts) {
  std::vector<double> step_ms;
  if (drafts.proposed == 0 || !engine.costs().known()) return step_ms;
  for (int64_t depth = 0; depth <= drafts.depth(); depth++) {
    StepPlan plan;
    plan.add(depth, 0, main_class(drafts));
    step_ms.push_back(engine.costs().estimate(plan).ms);
  }
  return step_ms;
}

Status step_to_end(Engine& engine, Choices& choices) {
  const InterruptScope interrupt;
  while (true) {
    if (interrupt.requested()) choices.cancel();
    TROIKA_RETURN_IF_ERROR(choices.advance());
    if (choices.done()) return ok();
    TROIKA_TRY(const bool worked, engine.step());
    if (!worked) return fail(ErrorCode::internal, "the engine stopped before the texts ended");
  }
}

}  // namespace

double clock_ms() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

double per_second(int64_t count, double ms) {
  return ms > 0 ? static_cast<double>(count) * 1e3 / ms : 0;
}

Result<Generation> generate(Engine& engine, const Tokenizer& tokenizer, Request request,
                            const GenerateOptions& options) {
  Collector collector(tokenizer, options);
  collector.listen(request);
  const double start_ms = clock_ms();
  request.keep_state = !options.save_to.empty();
  TROIKA_TRY(const SeqId id, engine.submit(std::move(request)));
  Status done = step_to_end(engine, id, collector);
  const double end_ms = clock_ms();
  if (done.ok() && !options.save_to.empty() && engine.sequence(id).answering())
    done = engine.save(id, options.save_to);
  Generation& generation = collector.generation;
  const Sequence& sequence = engine.sequence(id);
  generation.prompt_tokens = sequence.prompt_tokens;
  generation.cached_tokens = sequence.cached_tokens;
  generation.finish = sequence.finish;
  generation.stop_string = sequence.stop_string;
  generation.drafts = sequence.drafts;
  generation.step_ms = step_costs(engine, sequence.drafts);
  const double first_ms = collector.first_token_ms > 0 ? collector.first_token_ms : end_ms;
  generation.prompt_ms = first_ms - start_ms;
  generation.generate_ms = end_ms - first_ms;
  engine.release(id);
  if (options.progress != nullptr) options.progress->finish();
  TROIKA_RETURN_IF_ERROR(done);
  return std::move(generation);
}

Result<std::vector<Generation>> generate_choices(Engine& engine, const Tokenizer& tokenizer,
                                                 Request request, const ChoiceOptions& choices,
                                                 const GenerateOptions& options) {
  GenerateOptions each = options;
  each.on_text = {};
  std::vector<std::unique_ptr<Collector>> collectors;
  for (int32_t i = 0; i < choices.best_of; i++)
    collectors.push_back(std::make_unique<Collector>(tokenizer, each));
  const int64_t prompt_tokens = std::ssize(request.prompt);
  const double start_ms = clock_ms();
  const auto listen = [&collectors](Request& asked, int32_t number) {
    collectors[static_cast<size_t>(number)]->listen(asked);
  };
  TROIKA_TRY(const auto writing, Choices::begin(engine, std::move(request), choices, listen));
  const Status done = step_to_end(engine, *writing);
  if (options.progress != nullptr) options.progress->finish();
  TROIKA_RETURN_IF_ERROR(done);
  std::vector<Generation> told;
  for (const troika::Choice* choice : writing->best()) {
    Collector& collector = *collectors[static_cast<size_t>(choice->number)];
    TROIKA_RETURN_IF_ERROR(collector.finish());
    Generation& generation = told.emplace_back(std::move(collector.generation));
    generation.prompt_tokens = prompt_tokens;
    generation.cached_tokens = choice->cached_tokens;
    generation.finish = choice->finish;
    generation.stop_string = choice->stop_string;
    if (choices.best_of > choices.choices) generation.mean_logprob = choice->mean_logprob();
    generation.drafts = choice->drafts;
    if (collector.first_token_ms == 0) continue;
    generation.prompt_ms = collector.first_token_ms - start_ms;
    generation.generate_ms = collector.last_token_ms - collector.first_token_ms;
  }
  return told;
}

}  // namespace troika::cli
