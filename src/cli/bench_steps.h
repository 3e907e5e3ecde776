// Forward passes: what n tokens cost, in one sequence or in many, behind a context.
#pragma once

#include "cli/bench_report.h"

namespace troika::cli {

/// curve: milliseconds of one forward pass of each count of tokens; the counts take turns, so that
/// a disturbance hits all.
Status measure_curve(Bench& bench, const LoadedModel& model);

/// batch: tokens a second when each of n sequences decodes one token a step.
Status measure_batches(Bench& bench, const LoadedModel& model);

/// depth: tokens a second one at a time behind each depth; the context is really read.
Status measure_depths(Bench& bench, const LoadedModel& model);

}  // namespace troika::cli
