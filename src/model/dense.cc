#include "model/dense.h"

#include "model/moe.h"
#include "model/transformer.h"

namespace troika {
namespace {

struct DenseSizes : TransformerSizes {
  bool head_norms = false;
  AnyFeedForwardSizes ffn;  // of every block
};

struct Block {
  Weight attn_norm, q_norm, k_norm, ffn_norm;  // the head norms only where the variant has them
  Attention3 qkv;
  Linear attn_output;
  AnyFeedForward ffn;
};

Result<AnyFeedForwardSizes> read_any_feed_forward_sizes(const Keys& keys, DenseExperts experts,
                                                        const TransformerSizes& c) {
  if (experts == DenseExperts::qwen) {
    TROIKA_TRY(const MoeSizes moe, read_qwen_moe_sizes(keys, c));
    return moe;
  }
  TROIKA_TRY(const FeedForwardSizes sizes, read_feed_forward_sizes(keys, c));
  if (experts == DenseExperts::none) return sizes;
  TROIKA_TRY(const int64_t count, keys.count_or_zero("expert_count"));
  if (count == 0) return sizes;
  TROIKA_TRY(MoeSizes moe, read_moe_sizes(keys, c.hidden));
  moe.ffn = sizes.ffn;
  moe.router.normalise = true;
  return moe;
}

Result<DenseSizes> read_dense_sizes(const Keys& keys, const DenseVariant& variant) {
  TROIKA_TRY(const TransformerSizes sizes, read_sizes(keys));
  DenseSizes c{sizes, variant.head_norms, {}};
  TROIKA_TRY(c.ffn, read_any_feed_forward_sizes(keys, variant.experts, sizes));
  return c;
}

Block load_block(WeightLoader& loader, const DenseSizes& c, int64_t layer) {
  const std::string at = fmt::format("blk.{}.", layer);
  const RowAxis hidden{Axis::hidden, 1, c.hidden};
  Block w{.attn_norm = loader.vector(at + "attn_norm.weight", hidden),
          .ffn_norm = loader.vector(at + "ffn_norm.weight", hidden),
          .qkv = load_qkv(loader, at, c),
          .attn_output = load_attention_output(loader, at, c),
          .ffn = load_any_feed_forward(loader, at, c.ffn)};
  if (c.head_norms) {
    w.q_norm = loader.vector(at + "attn_q_norm.weight", {Axis::hidden, 1, c.head_dim});
    w.k_norm = loader.vector(at + "attn_k_norm.weight", {Axis::hidden, 1, c.head_dim});
  }
  return w;
}

Tensor head_norm(Graph& g, Tensor x, Weight norm, float epsilon) {
  return norm.present() ? g.rms_norm(x, norm, epsilon) : x;
}

/// The block over x, [tokens, hidden]. If only the output rows are still wanted, all that other
/// rows are needed for is their keys and values.
Tensor block(Graph& g, const Block& w, const TransformerSizes& c, const RopeOptions& rope, Tensor x,
             State kv, bool outputs_only) {
  Tensor h = g.rms_norm(x, w.attn_norm, c.epsilon);             // [tokens, hidden]
  Tensor k = head_norm(g, w.qkv.k(g, h), w.k_norm, c.epsilon);  // [tokens, kv_heads, head_dim]
  g.kv_write(g.rope(k, rope), w.qkv.v(g, h), kv);
  if (outputs_only) {
    x = g.gather_rows(x);  // [outputs, hidden]
    h = g.gather_rows(h);
  }
  Tensor q = head_norm(g, w.qkv.q(g, h), w.q_norm, c.epsilon);  // [rows, heads, head_dim]
  x = g.add(x, w.attn_output(g, attend(g, c, g.rope(q, rope), kv)));
  h = g.rms_norm(x, w.ffn_norm, c.epsilon);
  return g.add(x, feed_forward(g, w.ffn, h));
}

}  // namespace

Result<Model> make_dense(const gguf::File& file, const DenseVariant& variant,
                         const ModelOptions& options) {
  const Keys keys(file, variant.architecture);
  TROIKA_TRY(const DenseSizes c, read_dense_sizes(keys, variant));
  TROIKA_TRY(const RopeOptions rope, read_rope(keys, c.rope_dims, variant.rope_pairs));
  WeightLoader loader(file);
  Model model{.info = describe(keys, c)};
  describe_experts(c.ffn, model.info);
  const bool keep_rows = options.hidden_rows;
  if (keep_rows) add_hidden_state(model, c);
  const Ends ends = load_ends(loader, c);
  Graph& g = model.trunk;
  Tensor x = g.embed(ends.embedding);
  for (int64_t layer = 0; layer < c.blocks; layer++) {
    const Block w = load_block(loader, c, layer);
    x = block(g, w, c, rope, x, add_kv_state(model, c, layer), !keep_rows && layer + 1 == c.blocks);
  }
  x = g.rms_norm(x, ends.norm, c.epsilon);
  if (keep_rows) {
    g.store_rows(x, model.hidden);
    x = g.gather_rows(x);
  }
  output_logits(g, ends.output, x);
  return finish_model(std::move(model), loader, file);
}

}  // namespace troika
