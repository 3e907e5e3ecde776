#include "model/moe.h"

namespace troika {
namespace {

constexpr char kExpertLength[] = "expert_feed_forward_length";
constexpr char kSharedLength[] = "expert_shared_feed_forward_length";

SharedExpert load_shared_expert(WeightLoader& loader, const std::string& prefix,
                                const MoeSizes& c) {
  return {.gate = loader.matrix(prefix + "ffn_gate_inp_shexp.weight", {Axis::hidden, 1, 1},
                                InputAxis::whole(c.hidden)),
          .ffn = load_feed_forward(loader, prefix, {c.hidden, c.shared_ffn}, "_shexp")};
}

}  // namespace

Result<MoeSizes> read_moe_sizes(const Keys& keys, int64_t hidden) {
  MoeSizes c{.hidden = hidden};
  TROIKA_TRY(c.experts, keys.count("expert_count", kExpertsMax));
  TROIKA_TRY(c.router.used, keys.count("expert_used_count", c.experts));
  TROIKA_TRY(const double scale, keys.number_or("expert_weights_scale", 0));
  c.router.scale = scale == 0 ? 1 : static_cast<float>(scale);
  return c;
}

Result<MoeSizes> read_qwen_moe_sizes(const Keys& keys, const TransformerSizes& c) {
  TROIKA_TRY(MoeSizes moe, read_moe_sizes(keys, c.hidden));
  moe.router.normalise = true;
  int64_t share = 0;
  if (!keys.has(kExpertLength)) {
    TROIKA_TRY(const FeedForwardSizes all, read_feed_forward_sizes(keys, c));
    share = all.ffn / moe.router.used;
  }
  TROIKA_TRY(moe.ffn, keys.count_or(kExpertLength, share));
  return moe;
}

Result<int64_t> read_shared_ffn(const Keys& keys, const TransformerSizes& c) {
  if (keys.has(kSharedLength)) return keys.count(kSharedLength);
  TROIKA_TRY(const FeedForwardSizes all, read_feed_forward_sizes(keys, c));
  return all.ffn;
}

Tensor MoeFeedForward::operator()(Graph& g, Tensor x) const {
  const Routing routing =
      g.router_top_k({.logits = g.matmul(router, x), .options = options});  // [rows, used, 2]
  const Tensor h = g.swiglu(g.expert_matmul(gate, x, routing),
                            g.expert_matmul(up, x, routing));  // [rows, used, ffn]
  const Tensor y = g.expert_sum(down, h, routing);
  if (!shared.gate.present()) return y;
  const Tensor share = g.matmul(shared.gate, x);  // [rows, 1]
  return g.add(y, g.gate(shared.ffn(g, x), share, GateFunction::sigmoid));
}

MoeFeedForward load_moe_feed_forward(WeightLoader& loader, const std::string& prefix,
                                     const MoeSizes& c) {
  const InputAxis in = InputAxis::whole(c.hidden);
  const RowAxis ffn{Axis::ffn, c.ffn, 1};
  MoeFeedForward w{
      .router = loader.matrix(prefix + "ffn_gate_inp.weight", {Axis::experts, c.experts, 1}, in),
      .gate = loader.experts(prefix + "ffn_gate_exps.weight", c.experts, ffn, in),
      .up = loader.experts(prefix + "ffn_up_exps.weight", c.experts, ffn, in),
      .down = loader.experts(prefix + "ffn_down_exps.weight", c.experts,
                             {Axis::hidden, 1, c.hidden}, InputAxis::contiguous(c.ffn, c.ffn)),
      .options = c.router,
      .shared = {}};
  if (c.shared_ffn > 0) w.shared = load_shared_expert(loader, prefix, c);
  return w;
}

AnyFeedForward load_any_feed_forward(WeightLoader& loader, const std::string& prefix,
                                     const AnyFeedForwardSizes& c) {
  if (const auto* moe = std::get_if<MoeSizes>(&c))
    return load_moe_feed_forward(loader, prefix, *moe);
  return load_feed_forward(loader, prefix, std::get<FeedForwardSizes>(c));
}

Tensor feed_forward(Graph& g, const AnyFeedForward& w, Tensor x) {
  return std::visit([&](const auto& ffn) { return ffn(g, x); }, w);
}

void describe_experts(const AnyFeedForwardSizes& c, ModelInfo& info) {
  const auto* moe = std::get_if<MoeSizes>(&c);
  if (moe == nullptr) return;
  info.experts = moe->experts;
  info.experts_used = moe->router.used;
}

}  // namespace troika
