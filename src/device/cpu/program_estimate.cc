#include "device/cpu/program_estimate.h"

#include <algorithm>
#include <variant>
#include <vector>

#include "device/cpu/attention_job.h"
#include "device/cpu/delta_job.h"
#include "device/cpu/matmul.h"
#include "device/cpu/rope_table.h"

namespace troika::cpu {
namespace {

constexpr int64_t kFloat = sizeof(float);

/// Adds up by overload.
struct Beside {
  const Sizes& sizes;
  int threads;
  int64_t partials = 0;  // the largest: they live while their attention does
  int64_t gates = 0;
  int64_t tables = 0;
  int64_t scratch = matmul_scratch_bytes();
  std::vector<RopeOptions> ropes = {};

  void operator()(const Attention& op) {
    partials = std::max(partials, attention_partial_room(op, threads) * kFloat);
    scratch = std::max(scratch, attention_scratch_bytes(op));
  }
  void operator()(const GatedDeltaRule& op) {
    gates = std::max(gates, 2 * sizes.tokens * op.v.spec.units * kFloat);
    scratch = std::max(scratch, delta_scratch_bytes(op));
  }
  void operator()(const Rope& op) {
    if (std::ranges::find(ropes, op.options) != ropes.end()) return;
    ropes.push_back(op.options);
    tables += 2 * sizes.tokens * RopeAngles(op.options).row_floats() * kFloat;
  }
  template <typename AnyOther>
  void operator()(const AnyOther&) {}
};

}  // namespace

int64_t estimate_beside_values(const Graph& graph, const Sizes& sizes, int threads) {
  Beside beside{.sizes = sizes, .threads = threads};
  for (const Node& node : graph.nodes()) std::visit(beside, node.op);
  return std::max(beside.partials, beside.gates) + beside.tables + threads * beside.scratch;
}

}  // namespace troika::cpu
