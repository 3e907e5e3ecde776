// A graph: a list of ops in the order in which they are to be thought of, over weights and states
// of one model. Built once per model, compiled once per device, run every step; the numbers of rows
// are its only dynamic sizes.
#pragma once

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/result.h"
#include "graph/op.h"

namespace troika {

/// One op and the tensor that it makes (Rows::none for ops without a value).
struct Node {
  Op op;
  Tensor value;
};

/// Builder and result in one. A builder call whose shapes do not fit remembers the first error and
/// goes on; check() tells it.
class Graph {
 public:
  Tensor embed(Weight table);
  Tensor matmul(Weight w, Tensor x);
  Tensor matmul_blocks(Weight w, Tensor x, int64_t blocks);
  Tensor rms_norm(Tensor x, Weight weight, float epsilon);
  Tensor l2_norm(Tensor x, float epsilon, float scale);
  Tensor rope(Tensor x, const RopeOptions& options);
  void kv_write(Tensor k, Tensor v, State state);
  Tensor attention(Attention op);
  Tensor causal_conv(Tensor x, Weight taps, State state);
  Tensor gated_delta_rule(GatedDeltaRule op);
  Routing router_top_k(RouterTopK op);
  Tensor expert_matmul(Weight w, Tensor x, Routing routing);
  Tensor expert_sum(Weight w, Tensor x, Routing routing);
  Tensor add(Tensor a, Tensor b);
  Tensor add_bias(Tensor x, Weight bias);  // x itself where the bias is absent
  Tensor swiglu(Tensor gate, Tensor up);
  Tensor gate(Tensor x, Tensor gate, GateFunction function);
  Tensor concat(Tensor a, Tensor b);
  Tensor slice(Tensor x, int64_t begin, int64_t width);
  Tensor gather_rows(Tensor x);
  void store_rows(Tensor x, State state);
  Tensor load_rows(State state, int64_t width);
  Tensor argmax(Tensor x);
  Tensor block_row(Tensor x, int64_t blocks);

  /// Adds an op made by hand, as the sharding pass does; its value, with Rows::none for ops without
  /// one.
  Tensor append(Op op) { return push(std::move(op)); }

  /// Names `value` as a result of the graph.
  void output(Output output, Tensor value);

  /// The first error of a builder call, or ok. Call it once after the last builder call.
  Status check() const;

  const std::vector<Node>& nodes() const { return nodes_; }
  int32_t values() const { return static_cast<int32_t>(nodes_.size()); }
  /// The tensor that was named as `output`, if any.
  const std::optional<Tensor>& output(Output output) const;

 private:
  Tensor push(Op op);
  std::vector<Node> nodes_;  // the tensor of node i has id i
  std::array<std::optional<Tensor>, kOutputs> outputs_;
  std::optional<Error> error_;
};

}  // namespace troika
