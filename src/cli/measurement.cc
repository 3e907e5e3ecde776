#include "cli/measurement.h"

#include <algorithm>

#include "cli/generation.h"
#include "cli/interrupt.h"
#include "engine/engine.h"
#include "engine/pages.h"

namespace troika::cli {
namespace {

/// Ids spread over the vocabulary, the same each time: speed does not depend on which they are.
TokenId token_at(int64_t position, int64_t vocab) {
  constexpr int64_t kStride = 7919;  // prime
  return static_cast<TokenId>((position * kStride + 1) % vocab);
}

std::vector<TokenId> tokens_of(int64_t count, int64_t vocab) {
  std::vector<TokenId> tokens;
  for (int64_t p = 0; p < count; p++) tokens.push_back(token_at(p, vocab));
  return tokens;
}

Error interrupted() {
  return fail(ErrorCode::cancelled, "interrupted, nothing measured");
}

Status measure_one_text(Engine& engine, int64_t vocab, const MeasureOptions& options,
                        const InterruptScope& interrupt, TextSpeed& speed) {
  double first_ms = 0;
  Request request{.prompt = tokens_of(options.prompt_tokens, vocab),
                  .tokens_max = options.generate_tokens + 1,
                  .sampling = {.temperature = 0},
                  .speculation = {.type = SpecType::none, .depth_max = 0}};
  request.on_token = [&first_ms](TokenId) {
    if (first_ms == 0) first_ms = clock_ms();
  };
  const double start_ms = clock_ms();
  TROIKA_TRY(const SeqId id, engine.submit(std::move(request)));
  while (engine.sequence(id).finish == FinishReason::none) {
    if (interrupt.requested()) return interrupted();
    TROIKA_TRY(const bool worked, engine.step());
    if (!worked) return fail(ErrorCode::internal, "the engine stopped before the text ended");
  }
  speed.prompt_per_s.values.push_back(per_second(options.prompt_tokens, first_ms - start_ms));
  speed.generate_per_s.values.push_back(per_second(options.generate_tokens, clock_ms() - first_ms));
  engine.release(id);
  return ok();
}

/// Forward passes over one sequence that stands behind a prompt.
class ForwardRig {
 public:
  ForwardRig(Forward& forward, Pages& pages) : forward_(forward), pages_(pages) {}

  Status read_prompt(const MeasureOptions& options) {
    for (int64_t p = 0; p < options.prompt_tokens; p += options.chunk_tokens) {
      const int64_t rows = std::min(options.chunk_tokens, options.prompt_tokens - p);
      TROIKA_RETURN_IF_ERROR(step(p, rows, rows, 1));
    }
    position_ = options.prompt_tokens;
    return ok();
  }

  /// One token that is certain and count - 1 drafts, all refused afterwards.
  Status verify(int64_t count) { return step(position_, count, 1, count); }

 private:
  Status step(int64_t position, int64_t rows, int64_t certain, int64_t outputs) {
    TROIKA_RETURN_IF_ERROR(pages_.cover(held_, position + rows));
    StepInputs& inputs = forward_.inputs();
    inputs.clear();
    inputs.begin_sequence({.pages = held_,
                           .position = position,
                           .certain = static_cast<int32_t>(certain),
                           .fresh = position == 0});
    for (int64_t i = 0; i < rows; i++)
      inputs.add_row({.token = token_at(position + i, forward_.info().vocab),
                      .hidden_out = forward_.hidden().scratch(i),
                      .output = i >= rows - outputs});
    TROIKA_RETURN_IF_ERROR(forward_.run_trunk());
    return forward_.finish();
  }

  Forward& forward_;
  Pages& pages_;
  std::vector<PageId> held_;
  int64_t position_ = 0;
};

/// Milliseconds of one pass: the mean over enough passes for the clock.
Result<double> time_verify(ForwardRig& rig, int64_t count) {
  constexpr double kMeasureMs = 20;
  constexpr int64_t kPassesMax = 200;
  const double start_ms = clock_ms();
  for (int64_t pass = 1;; pass++) {
    TROIKA_RETURN_IF_ERROR(rig.verify(count));
    const double elapsed_ms = clock_ms() - start_ms;
    if (elapsed_ms >= kMeasureMs || pass == kPassesMax)
      return elapsed_ms / static_cast<double>(pass);
  }
}

}  // namespace

double Series::median() const {
  if (values.empty()) return 0;
  std::vector<double> sorted = values;
  std::ranges::sort(sorted);
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double Series::min() const {
  return values.empty() ? 0 : *std::ranges::min_element(values);
}

double Series::max() const {
  return values.empty() ? 0 : *std::ranges::max_element(values);
}

double Series::spread_percent() const {
  return median() > 0 ? 100 * (max() - min()) / median() : 0;
}

Result<TextSpeed> measure_text(const LoadedModel& model, const MeasureOptions& options) {
  const InterruptScope interrupt;
  const int64_t vocab = model.model.info.vocab;
  const TokenRules rules{.tokens = vocab, .end_tokens = {}};
  TROIKA_TRY(const auto engine,
             Engine::make(model,
                          {.context = options.prompt_tokens + options.generate_tokens + 1,
                           .sequences_max = 1,
                           .chunk_tokens = options.chunk_tokens,
                           .draft_tokens_max = 0,
                           .kv_dtype = options.kv_dtype},
                          rules));
  TextSpeed warm_up;
  TROIKA_RETURN_IF_ERROR(measure_one_text(*engine, vocab, options, interrupt, warm_up));
  TextSpeed speed;
  for (int64_t i = 0; i < options.repetitions; i++)
    TROIKA_RETURN_IF_ERROR(measure_one_text(*engine, vocab, options, interrupt, speed));
  return speed;
}

Result<std::vector<ForwardCost>> measure_forwards(const LoadedModel& model,
                                                  const MeasureOptions& options,
                                                  std::span<const int64_t> counts) {
  const InterruptScope interrupt;
  const int64_t count_max = counts.back();
  Pages pages((options.prompt_tokens + count_max + kPageTokens - 1) / kPageTokens);
  TROIKA_TRY(const auto forward,
             Forward::make(model, {.pages = pages.count(),
                                   .sequences_max = 1,
                                   .step_tokens_max = std::max(options.chunk_tokens, count_max),
                                   .step_outputs_max = count_max,
                                   .draft_tokens_max = count_max - 1,
                                   .kv_dtype = options.kv_dtype}));
  ForwardRig rig(*forward, pages);
  TROIKA_RETURN_IF_ERROR(rig.read_prompt(options));
  std::vector<ForwardCost> costs;
  for (const int64_t count : counts) {
    TROIKA_RETURN_IF_ERROR(rig.verify(count));
    costs.push_back({.tokens = count, .ms = {}});
  }
  for (int64_t i = 0; i < options.repetitions; i++)
    for (ForwardCost& cost : costs) {
      if (interrupt.requested()) return interrupted();
      TROIKA_TRY(const double ms, time_verify(rig, cost.tokens));
      cost.ms.values.push_back(ms);
    }
  return costs;
}

}  // namespace troika::cli
