#include "model/moe.h"

namespace troika {

Result<MoeSizes> read_moe_sizes(const Keys& keys, int64_t hidden, int64_t expert_ffn) {
  MoeSizes c{.hidden = hidden, .ffn = expert_ffn};
  TROIKA_TRY(c.experts, keys.count("expert_count", kExpertsMax));
  TROIKA_TRY(c.router.used, keys.count("expert_used_count", c.experts));
  TROIKA_TRY(const double scale, keys.number_or("expert_weights_scale", 0));
  c.router.scale = scale == 0 ? 1 : static_cast<float>(scale);
  return c;
}

Tensor MoeFeedForward::operator()(Graph& g, Tensor x) const {
  const Routing routing =
      g.router_top_k({.logits = g.matmul(router, x), .options = options});  // [rows, used, 2]
  const Tensor h = g.swiglu(g.expert_matmul(gate, x, routing),
                            g.expert_matmul(up, x, routing));  // [rows, used, ffn]
  return g.expert_sum(down, h, routing);
}

MoeFeedForward load_moe_feed_forward(WeightLoader& loader, const std::string& prefix,
                                     const MoeSizes& c) {
  const InputAxis in = InputAxis::whole(c.hidden);
  const RowAxis ffn{Axis::ffn, c.ffn, 1};
  return {
      .router = loader.matrix(prefix + "ffn_gate_inp.weight", {Axis::experts, c.experts, 1}, in),
      .gate = loader.experts(prefix + "ffn_gate_exps.weight", c.experts, ffn, in),
      .up = loader.experts(prefix + "ffn_up_exps.weight", c.experts, ffn, in),
      .down = loader.experts(prefix + "ffn_down_exps.weight", c.experts,
                             {Axis::hidden, 1, c.hidden}, InputAxis::contiguous(c.ffn, c.ffn)),
      .options = c.router};
}

}  // namespace troika
