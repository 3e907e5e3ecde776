// The gated delta rule as jobs. Items are heads of a sequence; where there are too few of them for
// the threads, tiles of their columns, which share the keys of the log: a second job writes those.
#pragma once

#include <memory>

#include "device/cpu/buffers.h"
#include "device/cpu/job.h"
#include "graph/op.h"

namespace troika::cpu {

/// What the two jobs of an op share. `decay` and `beta` were made by delta_gates_step.
struct DeltaPlan {
  GatedDeltaRule op;
  const CpuBuffer* state = nullptr;
  Slot decay = -1;
  Slot beta = -1;
  Slot y = -1;
};

/// Bytes of scratch that a thread needs.
int64_t delta_scratch_bytes(const GatedDeltaRule& op);

std::unique_ptr<Job> delta_job(const DeltaPlan& plan);
std::unique_ptr<Job> delta_log_job(const DeltaPlan& plan);

}  // namespace troika::cpu
