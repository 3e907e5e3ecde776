#include "cli/bench_text.h"

#include <xxhash.h>

#include <algorithm>

#include "cli/bench_rig.h"
#include "cli/generation.h"

namespace troika::cli {
namespace {

/// The least milliseconds of a prompt: chunk by chunk, the last with one row of logits.
double prompt_floor_ms(const Bench& bench, const Model& model, int64_t tokens,
                       const MachineLimits& limits, StepWork& sum) {
  const ModelSetup& flags = bench.options().model;
  double ms = 0;
  for (int64_t at = 0; at < tokens; at += flags.chunk_tokens) {
    const int64_t rows = std::min(flags.chunk_tokens, tokens - at);
    const StepWork work = work_of_step(model, {.rows = rows,
                                               .outputs = at + rows == tokens ? 1 : 0,
                                               .sequences = 1,
                                               .context = at + rows / 2 - rows,
                                               .kv_dtype = flags.kv_dtype});
    ms += floor_ms(work, limits);
    sum.weight_bytes += work.weight_bytes;
    sum.state_bytes += work.state_bytes;
    sum.int8_operations += work.int8_operations;
    sum.f32_operations += work.f32_operations;
  }
  return ms;
}

Status measure_prompt(Bench& bench, const LoadedModel& model, int64_t tokens) {
  TROIKA_TRY(const auto engine, make_text_engine(bench, model, tokens + 1));
  const auto read = [&] {
    return time_text(*engine, plain_request(tokens, 1, model.model.info.vocab), bench.interrupt(),
                     false);
  };
  TROIKA_RETURN_IF_ERROR(read());  // warms up
  BenchResult result{.test = "pp", .what = fmt::format("{} tokens", tokens), .unit = "tokens/s"};
  TROIKA_TRY(result.probes, bench.repeat("measuring prompts", [&]() -> Status {
    TROIKA_TRY(const TimedText text, read());
    result.series.values.push_back(per_second(tokens, text.prompt_ms));
    return ok();
  }));
  StepWork work;
  const double ms = prompt_floor_ms(bench, model.model, tokens, bench.limits(result.probes), work);
  result.limit = per_second(tokens, ms);
  result.details = {{"tokens", tokens}};
  result.details.update(work_json(work));
  return bench.add(std::move(result));
}

Status measure_generation_of(Bench& bench, const LoadedModel& model, int64_t tokens) {
  TROIKA_TRY(const auto engine, make_text_engine(bench, model, tokens + 2));
  const auto write = [&] {
    return time_text(*engine, plain_request(1, tokens + 1, model.model.info.vocab),
                     bench.interrupt(), false);
  };
  TROIKA_RETURN_IF_ERROR(write());  // warms up
  BenchResult result{.test = "tg", .what = fmt::format("{} tokens", tokens), .unit = "tokens/s"};
  TROIKA_TRY(result.probes, bench.repeat("measuring generation", [&]() -> Status {
    TROIKA_TRY(const TimedText text, write());
    result.series.values.push_back(per_second(tokens, text.generate_ms));
    return ok();
  }));
  const StepWork work = work_of_step(
      model.model, {.context = tokens / 2, .kv_dtype = bench.options().model.kv_dtype});
  result.limit = per_second(1, floor_ms(work, bench.limits(result.probes)));
  result.details = {{"tokens", tokens}};
  result.details.update(work_json(work));
  return bench.add(std::move(result));
}

}  // namespace

Request plain_request(int64_t prompt_tokens, int64_t tokens_max, int64_t vocab) {
  return {.prompt = bench_tokens(prompt_tokens, vocab),
          .tokens_max = tokens_max,
          .sampling = {.temperature = 0},
          .speculation = {.type = SpecType::none, .depth_max = 0}};
}

Result<std::unique_ptr<Engine>> make_text_engine(const Bench& bench, const LoadedModel& model,
                                                 int64_t context) {
  const TokenRules rules{.tokens = model.model.info.vocab, .end_tokens = {}};
  return Engine::make(model,
                      {.context = context,
                       .sequences_max = 1,
                       .chunk_tokens = bench.options().model.chunk_tokens,
                       .draft_tokens_max = 0,
                       .kv_dtype = bench.options().model.kv_dtype},
                      rules);
}

Result<TimedText> time_text(Engine& engine, Request request, const InterruptScope& interrupt,
                            bool hash_logits) {
  TimedText text;
  double first_ms = 0;
  request.on_token = [&](TokenId id) {
    if (first_ms == 0) first_ms = clock_ms();
    text.tokens.push_back(id);
  };
  if (hash_logits)
    request.on_row = [&text](std::span<const float> row) {
      text.logits_hash = XXH64(row.data(), row.size_bytes(), text.logits_hash);
    };
  const double start_ms = clock_ms();
  TROIKA_TRY(const SeqId id, engine.submit(std::move(request)));
  while (engine.sequence(id).finish == FinishReason::none) {
    if (interrupt.requested()) return fail(ErrorCode::cancelled, "interrupted");
    TROIKA_TRY(const bool worked, engine.step());
    if (!worked) return fail(ErrorCode::internal, "the engine stopped before the text ended");
  }
  text.prompt_ms = first_ms - start_ms;
  text.generate_ms = clock_ms() - first_ms;
  text.drafts = engine.sequence(id).drafts;
  engine.release(id);
  return text;
}

Status measure_prompts(Bench& bench, const LoadedModel& model) {
  for (const int64_t tokens : bench.options().prompt_tokens)
    TROIKA_RETURN_IF_ERROR(measure_prompt(bench, model, tokens));
  return ok();
}

Status measure_generation(Bench& bench, const LoadedModel& model) {
  for (const int64_t tokens : bench.options().generate_tokens)
    TROIKA_RETURN_IF_ERROR(measure_generation_of(bench, model, tokens));
  return ok();
}

}  // namespace troika::cli
