// From a graph to phases of jobs. Each op becomes one or a few tasks; a task goes into the earliest
// phase in which everything it reads is there. Row steps of one phase run in a chain, so a row step
// may stand in the phase of the row step that it reads from.
#pragma once

#include <memory>

#include "device/cpu/program.h"
#include "graph/graph.h"

namespace troika::cpu {

/// Plans `graph` for `threads` threads; memory is not allocated yet (reserve_memory).
/// Errors: those of graph.check(); invalid_argument — a weight or state that does not fit;
/// unsupported — an op with sizes that no kernel takes. Each names the op.
Result<std::unique_ptr<Program>> plan_program(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources, int threads);

}  // namespace troika::cpu
