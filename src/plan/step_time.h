// How long a step takes: the planner's model, its terms and nothing else. docs/planner.md.
//
//   op         max(bytes / bandwidth, int8 operations / int8 peak + f32 operations / f32 peak)
//              + the fixed cost of an op, for ops that have weights or states
//   exchange   latency + bytes that others show / bandwidth of the link
//   step       between two exchanges the slowest member counts; all of that, and the exchanges
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/result.h"
#include "graph/graph.h"
#include "graph/shares.h"
#include "plan/step_work.h"
#include "runtime/link_probe.h"

namespace troika {

/// What a member does in a second, while the others work too.
struct MemberSpeed {
  double bytes_per_s = 0;  // weights and states that are read for one row
  double int8_per_s = 0;   // operations of products of many rows; an addition counts as well
  double f32_per_s = 0;
  double op_s = 0;  // seconds that an op with weights or states takes beside its work
};

/// Seconds of a step by what they are spent on.
struct StepTime {
  double memory_s = 0;    // of ops that memory limits
  double compute_s = 0;   // of ops that arithmetic limits
  double ops_s = 0;       // fixed costs of ops
  double exchange_s = 0;  // latency and bytes of exchanges
  int64_t exchanges = 0;

  double total_s() const { return memory_s + compute_s + ops_s + exchange_s; }
  double exchange_share() const { return total_s() > 0 ? exchange_s / total_s() : 0; }
  StepTime& operator+=(const StepTime& other);
};

/// What one member does in a step: the work of its ops with weights or states in runs between
/// exchanges, and the bytes that it shows at each of them.
struct MemberStep {
  std::vector<std::vector<StepWork>> runs;  // one more than exchanges
  std::vector<double> shown_bytes;          // by exchange
};

/// The steps of members that share `graph` by `shares`; one share: of a device alone.
/// @param weights, states  of the model.
/// Errors: those of shard().
Result<std::vector<MemberStep>> member_steps(const Graph& graph,
                                             std::span<const WeightInfo> weights,
                                             std::span<const StateInfo> states,
                                             const Shares& shares, const StepShape& shape);

/// The time of a step. `steps` and `speeds` are by member; steps have the same exchanges.
StepTime time_of_step(std::span<const MemberStep> steps, std::span<const MemberSpeed> speeds,
                      const LinkSpeed& link);

}  // namespace troika
