#include "model/delta_net.h"

#include <cmath>

namespace troika {

Result<DeltaNetSizes> read_delta_net_sizes(const Keys& keys, int64_t hidden, float epsilon) {
  constexpr int64_t kStateDimMax = 1024;
  constexpr int64_t kTapsMax = 64;
  constexpr int64_t kHeadsMax = 4096;
  DeltaNetSizes c{.hidden = hidden, .epsilon = epsilon};
  TROIKA_TRY(c.taps, keys.count("ssm.conv_kernel", kTapsMax));
  TROIKA_TRY(c.state_dim, keys.count("ssm.state_size", kStateDimMax));
  TROIKA_TRY(c.key_heads, keys.count("ssm.group_count", kHeadsMax));
  TROIKA_TRY(c.value_heads, keys.count("ssm.time_step_rank", kHeadsMax));
  TROIKA_TRY(const int64_t inner, keys.count("ssm.inner_size", kHeadsMax * kStateDimMax));
  if (inner != c.value_heads * c.state_dim || c.value_heads % c.key_heads != 0 || c.taps < 2)
    return fail(ErrorCode::corrupt,
                "{}: ssm sizes do not fit: inner {}, {} value heads of {}, {} key heads, {} taps",
                keys.file().name(), inner, c.value_heads, c.state_dim, c.key_heads, c.taps);
  return c;
}

DeltaNet load_delta_net(WeightLoader& loader, const std::string& at, const DeltaNetSizes& c) {
  const RowAxis keys{Axis::k_heads, c.key_heads, c.state_dim};
  const RowAxis values{Axis::v_heads, c.value_heads, c.state_dim};
  const RowAxis per_head{Axis::v_heads, c.value_heads, 1};
  const InputAxis in = InputAxis::whole(c.hidden);
  const int64_t channels = 2 * keys.rows() + values.rows();  // [q | k | v]
  auto part = [&](int64_t begin, RowAxis rows) {
    return loader.matrix_rows(at + "attn_qkv.weight", channels, begin, rows, in);
  };
  auto taps = [&](int64_t begin, RowAxis rows) {
    return loader.vector_rows(at + "ssm_conv1d.weight", channels, begin, rows, c.taps);
  };
  return {.q = part(0, keys),
          .k = part(keys.rows(), keys),
          .v = part(2 * keys.rows(), values),
          .z = loader.matrix(at + "attn_gate.weight", values, in),
          .q_taps = taps(0, keys),
          .k_taps = taps(keys.rows(), keys),
          .v_taps = taps(2 * keys.rows(), values),
          .alpha = loader.matrix(at + "ssm_alpha.weight", per_head, in),
          .beta = loader.matrix(at + "ssm_beta.weight", per_head, in),
          .a = loader.vector(at + "ssm_a", per_head),
          .dt_bias = loader.vector(at + "ssm_dt.bias", per_head),
          .norm = loader.vector(at + "ssm_norm.weight", {Axis::hidden, 1, c.state_dim}),
          .out = loader.matrix(at + "ssm_out.weight", {Axis::hidden, 1, c.hidden},
                               InputAxis::tiled_heads(c.key_heads, c.value_heads, c.state_dim))};
}

DeltaStates add_delta_states(Model& model, const DeltaNetSizes& c, int64_t index) {
  auto add = [&](const char* name, StateSpec spec) {
    model.states.push_back({fmt::format("blk.{}.{}", index, name), spec, false});
    return State{static_cast<int32_t>(model.states.size()) - 1};
  };
  const int64_t key_dim = c.key_heads * c.state_dim;
  const int64_t value_dim = c.value_heads * c.state_dim;
  return {.q = add("conv_q", ConvState{key_dim, c.taps}),
          .k = add("conv_k", ConvState{key_dim, c.taps}),
          .v = add("conv_v", ConvState{value_dim, c.taps}),
          .delta = add("delta", DeltaState{c.value_heads, c.state_dim, c.state_dim})};
}

Tensor delta_net(Graph& g, const DeltaNet& w, const DeltaNetSizes& c, const DeltaStates& s,
                 Tensor x) {
  const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(c.state_dim)));
  const Tensor q =
      g.causal_conv(g.matmul(w.q, x), w.q_taps, s.q);  // [tokens, key_heads, state_dim]
  const Tensor k = g.causal_conv(g.matmul(w.k, x), w.k_taps, s.k);
  const Tensor v =
      g.causal_conv(g.matmul(w.v, x), w.v_taps, s.v);  // [tokens, value_heads, state_dim]
  const Tensor o = g.gated_delta_rule({.q = g.l2_norm(q, c.epsilon, scale),
                                       .k = g.l2_norm(k, c.epsilon, 1),
                                       .v = v,
                                       .decay_in = g.matmul(w.alpha, x),
                                       .beta_in = g.matmul(w.beta, x),
                                       .a = w.a,
                                       .decay_bias = w.dt_bias,
                                       .state = s.delta});
  const Tensor y = g.gate(g.rms_norm(o, w.norm, c.epsilon), g.matmul(w.z, x), GateFunction::silu);
  return g.matmul(w.out, y);
}

}  // namespace troika
