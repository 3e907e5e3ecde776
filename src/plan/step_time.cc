#include "plan/step_time.h"

#include <algorithm>
#include <variant>

#include "core/check.h"
#include "graph/sharding.h"

namespace troika {
namespace {

double seconds(double amount, double per_s) {
  return amount > 0 && per_s > 0 ? amount / per_s : 0;
}

/// One member's ops between two exchanges.
StepTime time_of_run(std::span<const StepWork> run, const MemberSpeed& speed) {
  StepTime time;
  for (const StepWork& work : run) {
    const double memory_s = seconds(work.bytes(), speed.bytes_per_s);
    const double compute_s = seconds(work.int8_operations, speed.int8_per_s) +
                             seconds(work.f32_operations, speed.f32_per_s);
    (memory_s >= compute_s ? time.memory_s : time.compute_s) += std::max(memory_s, compute_s);
    time.ops_s += speed.op_s;
  }
  return time;
}

MemberStep step_of(const Graph& graph, std::span<const WeightInfo> weights,
                   std::span<const StateInfo> states, const StepShape& shape) {
  WorkCounter counter(weights, states, shape);
  MemberStep step;
  step.runs.emplace_back();
  for (const Node& node : graph.nodes()) {
    if (const auto* exchange = std::get_if<Exchange>(&node.op)) {
      int64_t elements = 0;
      for (const Tensor& value : exchange->values) elements += value.spec.elements();
      const int64_t rows = exchange->rows == Rows::outputs ? shape.outputs : shape.rows;
      step.shown_bytes.push_back(static_cast<double>(elements * rows) * sizeof(float));
      step.runs.emplace_back();
      continue;
    }
    const StepWork work = counter.count(node.op);
    if (work.bytes() > 0 || work.operations() > 0) step.runs.back().push_back(work);
  }
  return step;
}

/// The states as a member has them; what it has not is as in the whole, and no op of it asks.
std::vector<StateInfo> states_of(const MemberGraph& member, std::span<const StateInfo> states) {
  std::vector<StateInfo> own(states.begin(), states.end());
  for (size_t id = 0; id < own.size() && id < member.states.size(); id++)
    if (member.states[id]) own[id].spec = *member.states[id];
  return own;
}

}  // namespace

StepTime& StepTime::operator+=(const StepTime& other) {
  memory_s += other.memory_s;
  compute_s += other.compute_s;
  ops_s += other.ops_s;
  exchange_s += other.exchange_s;
  exchanges += other.exchanges;
  return *this;
}

Result<std::vector<MemberStep>> member_steps(const Graph& graph,
                                             std::span<const WeightInfo> weights,
                                             std::span<const StateInfo> states,
                                             const Shares& shares, const StepShape& shape) {
  std::vector<MemberStep> steps;
  if (shares.size() == 1) {
    steps.push_back(step_of(graph, weights, states, shape));
    return steps;
  }
  TROIKA_TRY(const ShardedGraph sharded, shard(graph, weights, states, shares));
  for (const MemberGraph& member : sharded.members)
    steps.push_back(step_of(member.graph, weights, states_of(member, states), shape));
  return steps;
}

StepTime time_of_step(std::span<const MemberStep> steps, std::span<const MemberSpeed> speeds,
                      const LinkSpeed& link) {
  TROIKA_CHECK(!steps.empty() && steps.size() == speeds.size());
  const size_t exchanges = steps[0].shown_bytes.size();
  StepTime time;
  for (size_t run = 0; run <= exchanges; run++) {
    StepTime slowest;
    for (size_t m = 0; m < steps.size(); m++) {
      const StepTime mine = time_of_run(steps[m].runs[run], speeds[m]);
      if (mine.total_s() > slowest.total_s()) slowest = mine;
    }
    time += slowest;
    if (run == exchanges) break;
    double all = 0;
    double least = steps[0].shown_bytes[run];
    for (const MemberStep& step : steps) {
      all += step.shown_bytes[run];
      least = std::min(least, step.shown_bytes[run]);
    }
    // Whoever shows least has most to receive.
    time.exchange_s += link.latency_s + seconds(all - least, link.bytes_per_s);
    time.exchanges++;
  }
  return time;
}

}  // namespace troika
