#include "model/hybrid.h"

#include "model/delta_net.h"
#include "model/moe.h"
#include "model/transformer.h"

namespace troika {
namespace {

struct Config {
  TransformerSizes t;
  int64_t layers = 0;  // of the trunk; block `layers` is the draft head
  std::vector<bool> recurrent;
  DeltaNetSizes delta;
  AnyFeedForwardSizes ffn;
  RopeOptions rope;
};

struct GatedAttention {
  Weight q, k, v, q_norm, k_norm, output;  // rows of q: per head its query, then its gate
};

struct Block {
  Weight attn_norm, post_attention_norm;
  DeltaNet delta;            // of a recurrent block
  GatedAttention attention;  // of a full-attention block
  AnyFeedForward ffn;
};

struct DraftHead {
  Weight embedding, embedding_norm, hidden_norm, eh_proj, head_norm;
  Linear output;
  Block block;
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

Result<AnyFeedForwardSizes> read_any_feed_forward_sizes(const Keys& keys, bool experts,
                                                        const TransformerSizes& t) {
  if (!experts) {
    TROIKA_TRY(const FeedForwardSizes sizes, read_feed_forward_sizes(keys, t));
    return sizes;
  }
  TROIKA_TRY(MoeSizes moe, read_qwen_moe_sizes(keys, t));
  TROIKA_TRY(moe.shared_ffn, read_shared_ffn(keys, t));
  return moe;
}

Result<Config> read_config(const Keys& keys, const HybridVariant& variant) {
  Config c;
  TROIKA_TRY(c.t, read_sizes(keys));
  TROIKA_TRY(const int64_t nextn, keys.count_or_zero("nextn_predict_layers"));
  if (nextn > 1 || nextn >= c.t.blocks)
    return fail(ErrorCode::unsupported,
                "{}: {} draft layers in {} blocks, wanted 0 or 1 beside a trunk",
                keys.file().name(), nextn, c.t.blocks);
  c.layers = c.t.blocks - nextn;
  TROIKA_TRY(c.recurrent, read_recurrent(keys, c.layers, c.t.blocks));
  TROIKA_TRY(c.delta, read_delta_net_sizes(keys, c.t.hidden, c.t.epsilon));
  TROIKA_TRY(c.ffn, read_any_feed_forward_sizes(keys, variant.experts, c.t));
  TROIKA_TRY(c.rope, read_rope(keys, c.t.rope_dims, RopePairs::halves));
  return c;
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
          .ffn = load_any_feed_forward(loader, at, c.ffn)};
  if (recurrent)
    w.delta = load_delta_net(loader, at, c.delta);
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

/// The second half of a block.
Tensor fed_forward(Graph& g, const Block& w, const Config& c, Tensor x) {
  return g.add(x, feed_forward(g, w.ffn, g.rms_norm(x, w.post_attention_norm, c.t.epsilon)));
}

void build_trunk(Model& model, WeightLoader& loader, const Config& c, const Ends& ends) {
  Graph& g = model.trunk;
  Tensor x = g.embed(ends.embedding);  // [tokens, hidden]
  for (int64_t layer = 0; layer < c.layers; layer++) {
    const bool recurrent = c.recurrent[static_cast<size_t>(layer)];
    const Block w = load_block(loader, c, layer, recurrent);
    Tensor h = g.rms_norm(x, w.attn_norm, c.t.epsilon);
    if (recurrent) {
      x = g.add(x, delta_net(g, w.delta, c.delta, add_delta_states(model, c.delta, layer), h));
    } else {
      const State kv = add_kv_state(model, c.t, layer);
      write_kv(g, w.attention, c, h, kv);
      if (layer + 1 == c.layers && !model.info.hidden_rows) {
        // Of the rows before the output rows only keys and values are still wanted.
        x = g.gather_rows(x);
        h = g.gather_rows(h);
      }
      x = g.add(x, attend_gated(g, w.attention, c, h, kv));
    }
    x = fed_forward(g, w, c, x);
  }
  if (x.spec.rows == Rows::tokens && !model.info.hidden_rows) x = g.gather_rows(x);
  x = g.rms_norm(x, ends.norm, c.t.epsilon);
  if (model.info.hidden_rows) {
    g.store_rows(x, model.hidden);
    x = g.gather_rows(x);
  }
  output_logits(g, ends.output, x);
}

void build_draft(Model& model, WeightLoader& loader, const Config& c, const Ends& ends,
                 int64_t draft_rows) {
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
  y = g.rms_norm(fed_forward(g, w.block, c, y), w.head_norm, c.t.epsilon);
  g.store_rows(y, model.hidden);
  model.info.draft_blocks = draft_blocks(draft_rows, w.output);
  output_draft_logits(g, w.output, y, model.info.draft_blocks);
}

}  // namespace

Result<Model> make_hybrid(const gguf::File& file, const ModelOptions& options,
                          const HybridVariant& variant) {
  const Keys keys(file, variant.architecture);
  TROIKA_TRY(const Config c, read_config(keys, variant));
  WeightLoader loader(file);
  Model model{.info = describe(keys, c.t)};
  model.info.layers = c.layers;
  model.info.recurrent = true;
  describe_experts(c.ffn, model.info);
  // Files may declare the head and carry the trunk alone.
  model.info.draft_head = options.draft_head && c.layers < c.t.blocks &&
                          loader.has(fmt::format("blk.{}.nextn.eh_proj.weight", c.layers));
  if (model.info.draft_head || options.hidden_rows) add_hidden_state(model, c.t);
  const Ends ends = load_ends(loader, c.t);
  build_trunk(model, loader, c, ends);
  if (model.info.draft_head) build_draft(model, loader, c, ends, options.draft_rows);
  return finish_model(std::move(model), loader, file);
}

}  // namespace troika
