// Whole texts through the engine: prompt, generation, drafts.
#pragma once

#include <vector>

#include "cli/bench_report.h"
#include "engine/engine.h"

namespace troika::cli {

/// One text and what it took.
struct TimedText {
  std::vector<TokenId> tokens;  // of the answer
  double prompt_ms = 0;         // until the first token was chosen
  double generate_ms = 0;       // from then to the end
  DraftStatistics drafts;
  uint64_t logits_hash = 0;  // over all rows that chose a token, if asked for
};

/// A prompt of so many tokens and an answer of so many, greedily and without drafts.
Request plain_request(int64_t prompt_tokens, int64_t tokens_max, int64_t vocab);

/// An engine for one text of `context` tokens without drafts.
Result<std::unique_ptr<Engine>> make_text_engine(const Bench& bench, const LoadedModel& model,
                                                 int64_t context);

/// Carries out `request` (whose callbacks are set here) on an engine that does nothing else.
/// Errors: those of the engine; cancelled — by Ctrl-C.
Result<TimedText> time_text(Engine& engine, Request request, const InterruptScope& interrupt,
                            bool hash_logits);

/// pp: prompts of each length, as tokens a second until the first token is chosen.
Status measure_prompts(Bench& bench, const LoadedModel& model);

/// tg: so many tokens one at a time, from an empty context.
Status measure_generation(Bench& bench, const LoadedModel& model);

}  // namespace troika::cli
