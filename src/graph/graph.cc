#include "graph/graph.h"

namespace troika {

Tensor Graph::push(Op op) {
  Tensor value{values(), {}};
  Result<Spec> spec = infer(op);
  if (spec.ok())
    value.spec = *spec;
  else if (!error_)
    error_ =
        fail(spec.error().code(), "op {} ({}): {}", value.id, op_name(op), spec.error().message());
  nodes_.push_back({std::move(op), value});
  return value;
}

Tensor Graph::embed(Weight table) {
  return push(Embed{table});
}
Tensor Graph::matmul(Weight w, Tensor x) {
  return push(MatMul{w, x});
}
Tensor Graph::matmul_blocks(Weight w, Tensor x, int64_t blocks) {
  return push(MatMulBlocks{w, x, blocks});
}
Tensor Graph::rms_norm(Tensor x, Weight weight, float epsilon) {
  return push(RmsNorm{x, weight, epsilon});
}
Tensor Graph::l2_norm(Tensor x, float epsilon, float scale) {
  return push(L2Norm{x, epsilon, scale});
}
Tensor Graph::rope(Tensor x, const RopeOptions& options) {
  return push(Rope{x, options});
}
void Graph::kv_write(Tensor k, Tensor v, State state) {
  push(KvWrite{k, v, state});
}
Tensor Graph::attention(Attention op) {
  return push(op);
}
Tensor Graph::causal_conv(Tensor x, Weight taps, State state) {
  return push(CausalConv{x, taps, state});
}
Tensor Graph::gated_delta_rule(GatedDeltaRule op) {
  return push(op);
}
Routing Graph::router_top_k(RouterTopK op) {
  return {push(op), op.logits.spec.elements()};
}
Tensor Graph::expert_matmul(Weight w, Tensor x, Routing routing) {
  return push(ExpertMatMul{w, x, routing});
}
Tensor Graph::expert_sum(Weight w, Tensor x, Routing routing) {
  return push(ExpertSum{w, x, routing});
}
Tensor Graph::add(Tensor a, Tensor b) {
  return push(Add{a, b});
}
Tensor Graph::add_bias(Tensor x, Weight bias) {
  return bias.present() ? push(AddBias{x, bias}) : x;
}
Tensor Graph::swiglu(Tensor gate, Tensor up) {
  return push(SwiGlu{gate, up});
}
Tensor Graph::gate(Tensor x, Tensor gate, GateFunction function) {
  return push(Gate{x, gate, function});
}
Tensor Graph::concat(Tensor a, Tensor b) {
  return push(Concat{a, b});
}
Tensor Graph::slice(Tensor x, int64_t begin, int64_t width) {
  return push(Slice{x, begin, width});
}
Tensor Graph::gather_rows(Tensor x) {
  return push(GatherRows{x});
}
void Graph::store_rows(Tensor x, State state) {
  push(StoreRows{x, state});
}
Tensor Graph::load_rows(State state, int64_t width) {
  return push(LoadRows{state, width});
}
Tensor Graph::argmax(Tensor x) {
  return push(Argmax{x});
}
Tensor Graph::block_row(Tensor x, int64_t blocks) {
  return push(BlockRow{x, blocks});
}

void Graph::output(Output output, Tensor value) {
  outputs_[static_cast<size_t>(output)] = value;
}

Status Graph::check() const {
  if (error_) return *error_;
  return ok();
}

const std::optional<Tensor>& Graph::output(Output output) const {
  return outputs_[static_cast<size_t>(output)];
}

}  // namespace troika
