#include "cli/bench_steps.h"

#include <algorithm>

#include "cli/bench_rig.h"
#include "cli/generation.h"

namespace troika::cli {
namespace {

/// Milliseconds of one pass: the mean over enough passes for the clock.
Result<double> time_passes(BenchRig& rig, int64_t sequences, int64_t rows) {
  constexpr double kMeasureMs = 20;
  constexpr int64_t kPassesMax = 200;
  const double start_ms = clock_ms();
  for (int64_t pass = 1;; pass++) {
    TROIKA_RETURN_IF_ERROR(rig.pass(sequences, rows));
    const double elapsed_ms = clock_ms() - start_ms;
    if (elapsed_ms >= kMeasureMs || pass == kPassesMax)
      return elapsed_ms / static_cast<double>(pass);
  }
}

Result<std::unique_ptr<BenchRig>> make_rig(const Bench& bench, const LoadedModel& model,
                                           int64_t sequences, int64_t context, int64_t pass_max) {
  const ModelSetup& flags = bench.options().model;
  return BenchRig::make(model, {.sequences = sequences,
                                .context = context,
                                .pass_max = pass_max,
                                .chunk_tokens = flags.chunk_tokens,
                                .kv_dtype = flags.kv_dtype});
}

/// One result for each of `counts`, measured in turns by time(count).
Result<std::vector<BenchResult>> measure_in_turns(
    Bench& bench, std::string_view test, const std::vector<int64_t>& counts,
    const std::function<Result<double>(int64_t)>& time) {
  std::vector<BenchResult> results;
  for (const int64_t count : counts) {
    TROIKA_RETURN_IF_ERROR(time(count));  // warms up
    results.push_back({.test = std::string(test)});
  }
  TROIKA_TRY(const std::vector<double> probes, bench.repeat(test, [&]() -> Status {
    for (size_t i = 0; i < counts.size(); i++) {
      if (bench.interrupt().requested()) return fail(ErrorCode::cancelled, "interrupted");
      TROIKA_TRY(const double value, time(counts[i]));
      results[i].series.values.push_back(value);
    }
    return ok();
  }));
  for (BenchResult& result : results) result.probes = probes;
  return results;
}

void add_curve_details(BenchResult& result, const BenchResult& first, int64_t tokens,
                       int64_t context, const StepWork& work) {
  const double first_ms = first.series.median();
  const double ratio = first_ms > 0 ? result.series.median() / first_ms : 0;
  const int64_t first_tokens = first.details.value("tokens", tokens);
  result.unit = "ms";
  result.what = fmt::format("{} tokens, {:.2f} x {}", tokens, ratio, first_tokens);
  result.details = {{"tokens", tokens}, {"context", context}, {"ratio_to_first", ratio}};
  result.details.update(work_json(work));
}

Status measure_depth(Bench& bench, const LoadedModel& model, BenchRig& rig, int64_t depth) {
  const int64_t tokens = bench.options().generate_tokens.front();
  bench.progress().show("reading the context", 0, 1);
  TROIKA_RETURN_IF_ERROR(rig.read_until(depth, bench.interrupt()));
  TROIKA_RETURN_IF_ERROR(rig.pass(1, 1));  // warms up
  BenchResult result{
      .test = "depth", .what = fmt::format("1 token behind {}", depth), .unit = "tokens/s"};
  TROIKA_TRY(result.probes, bench.repeat("measuring depth", [&]() -> Status {
    const double start_ms = clock_ms();
    for (int64_t i = 0; i < tokens; i++) {
      if (bench.interrupt().requested()) return fail(ErrorCode::cancelled, "interrupted");
      TROIKA_RETURN_IF_ERROR(rig.pass(1, 1));
    }
    result.series.values.push_back(per_second(tokens, clock_ms() - start_ms));
    return ok();
  }));
  const StepWork work =
      work_of_step(model.model, {.context = depth, .kv_dtype = bench.options().model.kv_dtype});
  result.limit = per_second(1, floor_ms(work, bench.limits(result.probes)));
  result.details = {{"depth", depth}, {"tokens", tokens}};
  result.details.update(work_json(work));
  return bench.add(std::move(result));
}

}  // namespace

Status measure_curve(Bench& bench, const LoadedModel& model) {
  const BenchOptions& options = bench.options();
  const std::vector<int64_t> counts = ascending(options.curve_tokens);
  TROIKA_TRY(const auto rig, make_rig(bench, model, 1, options.context, counts.back()));
  TROIKA_RETURN_IF_ERROR(rig->read_until(options.context, bench.interrupt()));
  TROIKA_TRY(std::vector<BenchResult> results,
             measure_in_turns(bench, "curve", counts,
                              [&](int64_t count) { return time_passes(*rig, 1, count); }));
  for (size_t i = 0; i < counts.size(); i++) {
    const StepWork work = work_of_step(model.model, {.rows = counts[i],
                                                     .outputs = counts[i],
                                                     .context = options.context,
                                                     .kv_dtype = options.model.kv_dtype});
    BenchResult& result = results[i];
    add_curve_details(result, results.front(), counts[i], options.context, work);
    result.limit = floor_ms(work, bench.limits(result.probes));
    TROIKA_RETURN_IF_ERROR(bench.add(result));
  }
  return ok();
}

Status measure_batches(Bench& bench, const LoadedModel& model) {
  const BenchOptions& options = bench.options();
  const std::vector<int64_t> counts = ascending(options.sequences);
  TROIKA_TRY(const auto rig, make_rig(bench, model, counts.back(), options.context, 1));
  TROIKA_RETURN_IF_ERROR(rig->read_until(options.context, bench.interrupt()));
  const auto tokens_per_s = [&](int64_t count) -> Result<double> {
    TROIKA_TRY(const double ms, time_passes(*rig, count, 1));
    return per_second(count, ms);
  };
  TROIKA_TRY(std::vector<BenchResult> results,
             measure_in_turns(bench, "batch", counts, tokens_per_s));
  for (size_t i = 0; i < counts.size(); i++) {
    const StepWork work = work_of_step(model.model, {.rows = counts[i],
                                                     .outputs = counts[i],
                                                     .sequences = counts[i],
                                                     .context = options.context,
                                                     .kv_dtype = options.model.kv_dtype});
    BenchResult& result = results[i];
    result.unit = "tokens/s";
    result.what = fmt::format("{} sequences", counts[i]);
    result.limit = per_second(counts[i], floor_ms(work, bench.limits(result.probes)));
    result.details = {{"sequences", counts[i]}, {"context", options.context}};
    result.details.update(work_json(work));
    TROIKA_RETURN_IF_ERROR(bench.add(std::move(result)));
  }
  return ok();
}

Status measure_depths(Bench& bench, const LoadedModel& model) {
  const std::vector<int64_t> depths = ascending(bench.options().depths);
  TROIKA_TRY(const auto rig, make_rig(bench, model, 1, depths.back(), 1));
  for (const int64_t depth : depths)
    TROIKA_RETURN_IF_ERROR(measure_depth(bench, model, *rig, depth));
  return ok();
}

}  // namespace troika::cli
