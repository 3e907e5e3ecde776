#include "cli/bench_load.h"

#include "cli/bench_rig.h"
#include "cli/bench_text.h"
#include "cli/generation.h"
#include "core/process_memory.h"

namespace troika::cli {
namespace {

Status answer_once(const LoadedModel& model, const BenchOptions& options,
                   const InterruptScope& interrupt) {
  const int64_t vocab = model.model.info.vocab;
  TROIKA_TRY(const auto engine, Engine::make(model,
                                             {.context = kPageTokens,
                                              .sequences_max = 1,
                                              .chunk_tokens = options.model.chunk_tokens,
                                              .draft_tokens_max = 0,
                                              .kv_dtype = options.model.kv_dtype},
                                             {.tokens = vocab, .end_tokens = {}}));
  const Result<TimedText> text =
      time_text(*engine,
                {.prompt = bench_tokens(1, vocab),
                 .tokens_max = 1,
                 .sampling = {.temperature = 0},
                 .speculation = {.type = SpecType::none, .depth_max = 0}},
                interrupt, false);
  return text.ok() ? ok() : Status(text.error());
}

}  // namespace

Result<BenchModel> load_for_bench(const BenchOptions& options, bool draft_head,
                                  int64_t context_tokens, const InterruptScope& interrupt,
                                  Progress& progress) {
  reset_peak_resident_bytes();
  const double start_ms = clock_ms();
  TROIKA_TRY(OpenModel opened, open_model(options.model.path, {.draft_head = draft_head,
                                                               .draft_rows = options.draft_rows}));
  TROIKA_TRY(std::unique_ptr<Device> device, make_device(options.model.device));
  const ContextSize size{.tokens = context_tokens,
                         .chunk_tokens = options.model.chunk_tokens,
                         .draft_tokens_max = 0,
                         .kv_dtype = options.model.kv_dtype};
  LoadTimes times{.file_bytes = plan_context(opened.model, size).weights.total()};
  TROIKA_TRY(LoadedModel loaded, load_weights(opened, *device, size, progress));
  times.weights_ms = clock_ms() - start_ms;
  TROIKA_RETURN_IF_ERROR(answer_once(loaded, options, interrupt));
  times.first_token_ms = clock_ms() - start_ms;
  times.peak_bytes = peak_resident_bytes().value_or(0);
  return BenchModel{std::move(opened), std::move(device), std::move(loaded), times};
}

Status report_load(Bench& bench, const LoadTimes& times) {
  const std::vector<double> probes = {bench.machine().read_bytes_per_s};
  const double floor =
      1e3 * static_cast<double>(times.file_bytes) / bench.limits(probes).bytes_per_s;
  const auto result = [&](const char* what, const char* unit, double value, double limit) {
    return BenchResult{.test = "load",
                       .what = what,
                       .unit = unit,
                       .series = {{value}},
                       .limit = limit,
                       .probes = probes,
                       .details = {{"of", what}, {"weight_bytes", times.file_bytes}}};
  };
  TROIKA_RETURN_IF_ERROR(bench.add(result("weights", "ms", times.weights_ms, floor)));
  TROIKA_RETURN_IF_ERROR(bench.add(result("first token", "ms", times.first_token_ms, floor)));
  if (times.peak_bytes == 0) return ok();
  return bench.add(result("peak memory", "bytes", static_cast<double>(times.peak_bytes),
                          static_cast<double>(times.file_bytes)));
}

}  // namespace troika::cli
