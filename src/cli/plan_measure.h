// The planner's predictions held against a model that is loaded and run.
#pragma once

#include <memory>

#include "cli/interrupt.h"
#include "cli/plan_report.h"
#include "core/progress.h"
#include "engine/loaded_model.h"
#include "plan/speed_probe.h"

namespace troika::cli {

struct PlanMeasurement {
  PlanMeasured measured;
  GroupSpeed speed;  // the median of what was probed between
};

/// Makes an engine for `request` of `model` and asks what each member of its device holds; then
/// takes turns `rounds` times: probes, generates for one user and for all of them.
/// @param probe  on devices of their own.
/// Errors: exhausted; cancelled — by Ctrl-C.
Result<PlanMeasurement> measure_plan(const LoadedModel& model, const PlanRequest& request,
                                     const SpeedProbe& probe, int64_t rounds,
                                     const InterruptScope& interrupt, Progress& progress);

}  // namespace troika::cli
