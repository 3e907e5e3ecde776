#include "cli/plan_measure.h"

#include "cli/bench_rig.h"
#include "cli/generation.h"

namespace troika::cli {
namespace {

/// What members hold once an engine is there.
Result<std::vector<HeldMemory>> measure_memory(const LoadedModel& model,
                                               const EngineOptions& options) {
  TROIKA_TRY(const auto engine,
             Engine::make(model, options, {.tokens = model.model.info.vocab, .end_tokens = {}}));
  std::vector<HeldMemory> held;
  for (const auto& member : model.device->members()) held.push_back(member->held());
  if (held.empty()) held.push_back(model.device->held());
  return held;
}

/// Tokens a second of `sequences` users, over passes of half a second or more.
Result<double> time_users(BenchRig& rig, int64_t sequences, const InterruptScope& interrupt) {
  constexpr double kMeasureMs = 500;
  const double start_ms = clock_ms();
  for (int64_t passes = 1;; passes++) {
    if (interrupt.requested()) return fail(ErrorCode::cancelled, "interrupted");
    TROIKA_RETURN_IF_ERROR(rig.pass(sequences, 1));
    const double elapsed_ms = clock_ms() - start_ms;
    if (elapsed_ms >= kMeasureMs) return per_second(passes * sequences, elapsed_ms);
  }
}

}  // namespace

Result<PlanMeasurement> measure_plan(const LoadedModel& model, const PlanRequest& request,
                                     const SpeedProbe& probe, int64_t rounds,
                                     const InterruptScope& interrupt, Progress& progress) {
  PlanMeasurement result;
  TROIKA_TRY(result.measured.memory, measure_memory(model, request.engine));
  const int64_t users = request.engine.sequences_max;
  TROIKA_TRY(const auto rig, BenchRig::make(model, {.sequences = users,
                                                    .context = request.depth,
                                                    .pass_max = 1,
                                                    .chunk_tokens = request.engine.chunk_tokens,
                                                    .kv_dtype = request.engine.kv_dtype}));
  rig->stand_behind(request.depth, 1);
  TROIKA_RETURN_IF_ERROR(rig->pass(1, 1));  // warms up
  progress.show("reading the prompt", 0, 1);
  const double start_ms = clock_ms();
  TROIKA_RETURN_IF_ERROR(rig->read_until(request.depth, interrupt));
  result.measured.prompt.values = {per_second(request.depth, clock_ms() - start_ms)};
  std::vector<GroupSpeed> speeds;
  for (int64_t round = 0; round < rounds; round++) {
    progress.show("measuring", round, rounds);
    TROIKA_TRY(speeds.emplace_back(), probe.measure());
    TROIKA_TRY(result.measured.one_user.values.emplace_back(), time_users(*rig, 1, interrupt));
    TROIKA_TRY(result.measured.all_users.values.emplace_back(), time_users(*rig, users, interrupt));
  }
  progress.finish();
  result.speed = median_of(speeds);
  return result;
}

}  // namespace troika::cli
