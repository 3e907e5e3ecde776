// qwen35: dense Qwen 3.5 and 3.6: three layers of gated delta rule to one of gated full attention,
// and a draft head (MTP). Sources: arXiv 2412.06464 (gated delta networks), 2412.19437 (multi-token
// prediction); layout of the converter's files: value heads in tiled order (value head h belongs to
// key head h mod key heads), q and its gate interleaved per head.
#include <cmath>

#include "model/families/families.h"
#include "model/transformer.h"

namespace troika {
namespace {

struct Config {
  TransformerSizes t;
  int64_t layers = 0;  // of the trunk; block `layers` is the draft head
  std::vector<bool> recurrent;
  int64_t taps = 0, state_dim = 0, key_heads = 0, value_heads = 0;
  RopeOptions rope;
};

struct DeltaNet {
  Weight q, k, v, z, q_taps, k_taps, v_taps, alpha, beta, a, dt_bias, norm, out;
};

struct GatedAttention {
  Weight q, k, v, q_norm, k_norm, output;  // rows of q: per head its query, then its gate
};

struct Block {
  Weight attn_norm, post_attention_norm;
  DeltaNet delta;            // of a recurrent block
  GatedAttention attention;  // of a full-attention block
  FeedForward ffn;
};

struct DraftHead {
  Weight embedding, embedding_norm, hidden_norm, eh_proj, head_norm;
  Linear output;
  Block block;
};

struct DeltaStates {
  State q, k, v, delta;
};

Result<std::vector<bool>> read_recurrent(const Keys& keys, int64_t layers, int64_t blocks) {
  TROIKA_TRY(const int64_t interval, keys.count_or("full_attention_interval", 4));
  std::vector<bool> recurrent(static_cast<size_t>(layers));
  for (int64_t i = 0; i < layers; i++) recurrent[static_cast<size_t>(i)] = (i + 1) % interval != 0;
  if (!keys.has("attention.recurrent_layers")) return recurrent;
  TROIKA_TRY(const std::vector<bool> given, keys.flags("attention.recurrent_layers", blocks));
  for (size_t i = 0; i < recurrent.size(); i++) recurrent[i] = given[i];
  return recurrent;
}

Result<Config> read_config(const Keys& keys) {
  constexpr int64_t kStateDimMax = 1024;
  constexpr int64_t kTapsMax = 64;
  constexpr int64_t kHeadsMax = 4096;
  Config c;
  TROIKA_TRY(c.t, read_sizes(keys));
  TROIKA_TRY(const int64_t nextn, keys.count_or_zero("nextn_predict_layers"));
  if (nextn > 1 || nextn >= c.t.blocks)
    return fail(ErrorCode::unsupported,
                "{}: {} draft layers in {} blocks, wanted 0 or 1 beside a trunk",
                keys.file().name(), nextn, c.t.blocks);
  c.layers = c.t.blocks - nextn;
  TROIKA_TRY(c.recurrent, read_recurrent(keys, c.layers, c.t.blocks));
  TROIKA_TRY(c.taps, keys.count("ssm.conv_kernel", kTapsMax));
  TROIKA_TRY(c.state_dim, keys.count("ssm.state_size", kStateDimMax));
  TROIKA_TRY(c.key_heads, keys.count("ssm.group_count", kHeadsMax));
  TROIKA_TRY(c.value_heads, keys.count("ssm.time_step_rank", kHeadsMax));
  TROIKA_TRY(const int64_t inner, keys.count("ssm.inner_size", kHeadsMax * kStateDimMax));
  if (inner != c.value_heads * c.state_dim || c.value_heads % c.key_heads != 0 || c.taps < 2)
    return fail(ErrorCode::corrupt,
                "{}: ssm sizes do not fit: inner {}, {} value heads of {}, {} key heads, {} taps",
                keys.file().name(), inner, c.value_heads, c.state_dim, c.key_heads, c.taps);
  TROIKA_TRY(c.rope, read_rope(keys, c.t.rope_dims, RopePairs::halves));
  return c;
}

DeltaNet load_delta_net(WeightLoader& loader, const std::string& at, const Config& c) {
  const RowAxis keys{Axis::k_heads, c.key_heads, c.state_dim};
  const RowAxis values{Axis::v_heads, c.value_heads, c.state_dim};
  const RowAxis per_head{Axis::v_heads, c.value_heads, 1};
  const InputAxis in = InputAxis::whole(c.t.hidden);
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
          .out = loader.matrix(at + "ssm_out.weight", {Axis::hidden, 1, c.t.hidden},
                               InputAxis::tiled_heads(c.key_heads, c.value_heads, c.state_dim))};
}

GatedAttention load_attention(WeightLoader& loader, const std::string& at,
                              const TransformerSizes& t) {
  const RowAxis kv{Axis::kv_heads, t.kv_heads, t.head_dim};
  const RowAxis head{Axis::hidden, 1, t.head_dim};
  const InputAxis in = InputAxis::whole(t.hidden);
  return {.q = loader.matrix(at + "attn_q.weight", {Axis::heads, t.heads, 2 * t.head_dim}, in),
          .k = loader.matrix(at + "attn_k.weight", kv, in),
          .v = loader.matrix(at + "attn_v.weight", kv, in),
          .q_norm = loader.vector(at + "attn_q_norm.weight", head),
          .k_norm = loader.vector(at + "attn_k_norm.weight", head),
          .output = load_attention_output(loader, at, t).w};
}

Block load_block(WeightLoader& loader, const Config& c, int64_t index, bool recurrent) {
  const std::string at = fmt::format("blk.{}.", index);
  const RowAxis hidden{Axis::hidden, 1, c.t.hidden};
  Block w{.attn_norm = loader.vector(at + "attn_norm.weight", hidden),
          .post_attention_norm = loader.vector(at + "post_attention_norm.weight", hidden),
          .ffn = load_feed_forward(loader, at, c.t)};
  if (recurrent)
    w.delta = load_delta_net(loader, at, c);
  else
    w.attention = load_attention(loader, at, c.t);
  return w;
}

DraftHead load_draft_head(WeightLoader& loader, const Config& c, const Ends& ends) {
  loader.set_draft_head(true);
  const std::string at = fmt::format("blk.{}.nextn.", c.layers);
  const RowAxis hidden{Axis::hidden, 1, c.t.hidden};
  DraftHead w{
      .embedding = ends.embedding,
      .embedding_norm = loader.vector(at + "enorm.weight", hidden),
      .hidden_norm = loader.vector(at + "hnorm.weight", hidden),
      .eh_proj = loader.matrix(at + "eh_proj.weight", hidden, InputAxis::whole(2 * c.t.hidden)),
      .head_norm = ends.norm,
      .output = ends.output,
      .block = load_block(loader, c, c.layers, false)};
  if (loader.has(at + "embed_tokens.weight"))
    w.embedding = loader.embedding(at + "embed_tokens.weight", c.t.vocab, c.t.hidden);
  if (loader.has(at + "shared_head_norm.weight"))
    w.head_norm = loader.vector(at + "shared_head_norm.weight", hidden);
  if (loader.has(at + "shared_head_head.weight"))
    w.output = load_linear(loader, at + "shared_head_head", {Axis::vocab, c.t.vocab, 1},
                           InputAxis::whole(c.t.hidden));
  loader.set_draft_head(false);
  return w;
}

DeltaStates add_delta_states(Model& model, const Config& c, int64_t layer) {
  auto add = [&](const char* name, StateSpec spec) {
    model.states.push_back({fmt::format("blk.{}.{}", layer, name), spec, false});
    return State{static_cast<int32_t>(model.states.size()) - 1};
  };
  const int64_t key_dim = c.key_heads * c.state_dim;
  const int64_t value_dim = c.value_heads * c.state_dim;
  return {.q = add("conv_q", ConvState{key_dim, c.taps}),
          .k = add("conv_k", ConvState{key_dim, c.taps}),
          .v = add("conv_v", ConvState{value_dim, c.taps}),
          .delta = add("delta", DeltaState{c.value_heads, c.state_dim, c.state_dim})};
}

Tensor delta_net(Graph& g, const DeltaNet& w, const Config& c, const DeltaStates& s, Tensor x) {
  const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(c.state_dim)));
  const Tensor q =
      g.causal_conv(g.matmul(w.q, x), w.q_taps, s.q);  // [tokens, key_heads, state_dim]
  const Tensor k = g.causal_conv(g.matmul(w.k, x), w.k_taps, s.k);
  const Tensor v =
      g.causal_conv(g.matmul(w.v, x), w.v_taps, s.v);  // [tokens, value_heads, state_dim]
  const Tensor o = g.gated_delta_rule({.q = g.l2_norm(q, c.t.epsilon, scale),
                                       .k = g.l2_norm(k, c.t.epsilon, 1),
                                       .v = v,
                                       .decay_in = g.matmul(w.alpha, x),
                                       .beta_in = g.matmul(w.beta, x),
                                       .a = w.a,
                                       .decay_bias = w.dt_bias,
                                       .state = s.delta});
  const Tensor y = g.gate(g.rms_norm(o, w.norm, c.t.epsilon), g.matmul(w.z, x), GateFunction::silu);
  return g.matmul(w.out, y);
}

/// Queries and their gates from `x_query`, which may be fewer rows than keys and values were
/// written for.
Tensor attend_gated(Graph& g, const GatedAttention& w, const Config& c, Tensor x_query, State kv) {
  const TransformerSizes& t = c.t;
  const Tensor q_and_gate = g.matmul(w.q, x_query);  // [rows, heads, 2 head_dim]
  const Tensor q = g.rms_norm(g.slice(q_and_gate, 0, t.head_dim), w.q_norm, t.epsilon);
  const Tensor gate = g.slice(q_and_gate, t.head_dim, t.head_dim);
  const Tensor o = g.attention({.q = g.rope(q, c.rope),
                                .state = kv,
                                .kv_heads = t.kv_heads,
                                .value_dim = t.head_dim,
                                .scale = attention_scale(t)});
  return g.matmul(w.output, g.gate(o, gate, GateFunction::sigmoid));
}

void write_kv(Graph& g, const GatedAttention& w, const Config& c, Tensor x, State kv) {
  const Tensor k = g.rms_norm(g.matmul(w.k, x), w.k_norm, c.t.epsilon);
  g.kv_write(g.rope(k, c.rope), g.matmul(w.v, x), kv);
}

Tensor feed_forward(Graph& g, const Block& w, const Config& c, Tensor x) {
  return g.add(x, w.ffn(g, g.rms_norm(x, w.post_attention_norm, c.t.epsilon)));
}

void build_trunk(Model& model, WeightLoader& loader, const Config& c, const Ends& ends) {
  Graph& g = model.trunk;
  Tensor x = g.embed(ends.embedding);  // [tokens, hidden]
  for (int64_t layer = 0; layer < c.layers; layer++) {
    const bool recurrent = c.recurrent[static_cast<size_t>(layer)];
    const Block w = load_block(loader, c, layer, recurrent);
    const Tensor h = g.rms_norm(x, w.attn_norm, c.t.epsilon);
    if (recurrent) {
      x = g.add(x, delta_net(g, w.delta, c, add_delta_states(model, c, layer), h));
    } else {
      const State kv = add_kv_state(model, c.t, layer);
      write_kv(g, w.attention, c, h, kv);
      x = g.add(x, attend_gated(g, w.attention, c, h, kv));
    }
    x = feed_forward(g, w, c, x);
  }
  if (!model.info.draft_head) x = g.gather_rows(x);
  x = g.rms_norm(x, ends.norm, c.t.epsilon);
  if (model.info.draft_head) {
    g.store_rows(x, model.hidden);
    x = g.gather_rows(x);
  }
  output_logits(g, ends.output, x);
}

void build_draft(Model& model, WeightLoader& loader, const Config& c, const Ends& ends) {
  const DraftHead w = load_draft_head(loader, c, ends);
  const State kv = add_kv_state(model, c.t, c.layers);
  model.states.back().draft_head = true;
  Graph& g = model.draft.emplace();
  const Tensor e = g.rms_norm(g.embed(w.embedding), w.embedding_norm, c.t.epsilon);
  const Tensor h = g.rms_norm(g.load_rows(model.hidden, c.t.hidden), w.hidden_norm, c.t.epsilon);
  Tensor y = g.matmul(w.eh_proj, g.concat(e, h));  // [tokens, hidden]
  const Tensor normed = g.rms_norm(y, w.block.attn_norm, c.t.epsilon);
  write_kv(g, w.block.attention, c, normed, kv);
  // Keys and values are all that earlier tokens are needed for; from here on only rows that draft.
  y = g.add(g.gather_rows(y), attend_gated(g, w.block.attention, c, g.gather_rows(normed), kv));
  y = g.rms_norm(feed_forward(g, w.block, c, y), w.head_norm, c.t.epsilon);
  g.store_rows(y, model.hidden);
  output_logits(g, w.output, y);
}

}  // namespace

Result<Model> make_qwen35(const gguf::File& file, const ModelOptions& options) {
  const Keys keys(file, "qwen35");
  TROIKA_TRY(const Config c, read_config(keys));
  WeightLoader loader(file);
  Model model{.info = describe(keys, c.t)};
  model.info.layers = c.layers;
  model.info.recurrent = true;
  // Files may declare the head and carry the trunk alone.
  model.info.draft_head = options.draft_head && c.layers < c.t.blocks &&
                          loader.has(fmt::format("blk.{}.nextn.eh_proj.weight", c.layers));
  if (model.info.draft_head) model.hidden = add_hidden_state(model, c.t);
  const Ends ends = load_ends(loader, c.t);
  build_trunk(model, loader, c, ends);
  if (model.info.draft_head) build_draft(model, loader, c, ends);
  return finish_model(std::move(model), loader, file);
}

}  // namespace troika
