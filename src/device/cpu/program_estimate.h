// What a program will take, from the graph alone: no weight needs to be there.
#pragma once

#include <cstdint>

#include "device/device.h"
#include "graph/graph.h"

namespace troika::cpu {

/// Bytes that plan_program() of `graph` takes beside its values: partial sums of attention, tables
/// of rope, gates of delta rules, scratch of threads. Roughly: experts' scratch is left out, and
/// what shares a place is counted once.
int64_t estimate_beside_values(const Graph& graph, const Sizes& sizes, int threads);

}  // namespace troika::cpu
