#include "model/transformer.h"

#include <cmath>

namespace troika {

Result<TransformerSizes> read_sizes(const Keys& keys) {
  constexpr int64_t kBlocksMax = 512;
  constexpr int64_t kHeadsMax = 4096;
  constexpr int64_t kHeadDimMax = 4096;
  TransformerSizes c;
  TROIKA_TRY(c.blocks, keys.count("block_count", kBlocksMax));
  TROIKA_TRY(c.hidden, keys.count("embedding_length"));
  TROIKA_TRY(c.heads, keys.uniform_count("attention.head_count", c.blocks));
  c.kv_heads = c.heads;
  if (keys.has("attention.head_count_kv")) {
    TROIKA_TRY(c.kv_heads, keys.uniform_count("attention.head_count_kv", c.blocks));
  }
  if (c.heads > kHeadsMax || c.heads % c.kv_heads != 0)
    return fail(ErrorCode::corrupt,
                "{}: {} attention heads over {} KV heads, wanted a multiple of at most {}",
                keys.file().name(), c.heads, c.kv_heads, kHeadsMax);
  TROIKA_TRY(c.head_dim, keys.count_or("attention.key_length",
                                       std::max<int64_t>(1, c.hidden / c.heads), kHeadDimMax));
  TROIKA_TRY(const int64_t value_dim,
             keys.count_or("attention.value_length", c.head_dim, kHeadDimMax));
  if (value_dim != c.head_dim)
    return fail(ErrorCode::unsupported,
                "{}: value heads of {} beside key heads of {}, wanted equal sizes",
                keys.file().name(), value_dim, c.head_dim);
  TROIKA_TRY(c.context_length, keys.count("context_length", INT32_MAX));
  TROIKA_TRY(c.rope_dims, keys.count_or("rope.dimension_count", c.head_dim, c.head_dim));
  TROIKA_TRY(const double epsilon, keys.positive("attention.layer_norm_rms_epsilon"));
  c.epsilon = static_cast<float>(epsilon);
  const gguf::TensorInfo* embedding = keys.file().find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2)
    return fail(ErrorCode::not_found, "{}: tensor token_embd.weight with two axes is missing",
                keys.file().name());
  c.vocab = embedding->shape[0];
  if (c.vocab > kCountMax * 4)
    return fail(ErrorCode::unsupported, "{}: a vocabulary of {}, wanted at most {}",
                keys.file().name(), c.vocab, kCountMax * 4);
  return c;
}

Linear load_linear(WeightLoader& loader, const std::string& name, RowAxis rows,
                   const InputAxis& inputs) {
  return {loader.matrix(name + ".weight", rows, inputs),
          loader.optional_vector(name + ".bias", rows)};
}

Attention3 load_qkv(WeightLoader& loader, const std::string& prefix, const TransformerSizes& c) {
  const RowAxis q{Axis::heads, c.heads, c.head_dim};
  const RowAxis kv{Axis::kv_heads, c.kv_heads, c.head_dim};
  const InputAxis in = InputAxis::whole(c.hidden);
  const std::string fused = prefix + "attn_qkv";
  if (!loader.has(fused + ".weight"))
    return {load_linear(loader, prefix + "attn_q", q, in),
            load_linear(loader, prefix + "attn_k", kv, in),
            load_linear(loader, prefix + "attn_v", kv, in)};
  const int64_t total = q.rows() + 2 * kv.rows();
  auto part = [&](int64_t begin, RowAxis rows) {
    Linear linear{loader.matrix_rows(fused + ".weight", total, begin, rows, in), {}};
    if (loader.has(fused + ".bias"))
      linear.bias = loader.vector_rows(fused + ".bias", total, begin, rows, 1);
    return linear;
  };
  return {part(0, q), part(q.rows(), kv), part(q.rows() + kv.rows(), kv)};
}

Linear load_attention_output(WeightLoader& loader, const std::string& prefix,
                             const TransformerSizes& c) {
  return load_linear(loader, prefix + "attn_output", {Axis::hidden, 1, c.hidden},
                     InputAxis::contiguous(c.heads * c.head_dim, c.kv_heads));
}

Result<FeedForwardSizes> read_feed_forward_sizes(const Keys& keys, const TransformerSizes& c) {
  FeedForwardSizes sizes{.hidden = c.hidden};
  TROIKA_TRY(sizes.ffn, keys.uniform_count("feed_forward_length", c.blocks));
  return sizes;
}

FeedForward load_feed_forward(WeightLoader& loader, const std::string& prefix,
                              const FeedForwardSizes& c, std::string_view suffix) {
  const RowAxis ffn{Axis::ffn, c.ffn, 1};
  const InputAxis in = InputAxis::whole(c.hidden);
  auto name = [&](const char* part) { return fmt::format("{}{}{}", prefix, part, suffix); };
  return {load_linear(loader, name("ffn_gate"), ffn, in),
          load_linear(loader, name("ffn_up"), ffn, in),
          load_linear(loader, name("ffn_down"), {Axis::hidden, 1, c.hidden},
                      InputAxis::contiguous(c.ffn, c.ffn))};
}

Ends load_ends(WeightLoader& loader, const TransformerSizes& c) {
  Ends ends;
  ends.embedding = loader.embedding("token_embd.weight", c.vocab, c.hidden);
  ends.norm = loader.vector("output_norm.weight", {Axis::hidden, 1, c.hidden});
  if (loader.has("output.weight"))
    ends.output =
        load_linear(loader, "output", {Axis::vocab, c.vocab, 1}, InputAxis::whole(c.hidden));
  else
    ends.output.w = loader.tie(ends.embedding);
  return ends;
}

float attention_scale(const TransformerSizes& c) {
  return static_cast<float>(1 / std::sqrt(static_cast<double>(c.head_dim)));
}

Tensor attend(Graph& g, const TransformerSizes& c, Tensor q, State kv) {
  return g.attention({.q = q,
                      .state = kv,
                      .kv_heads = c.kv_heads,
                      .value_dim = c.head_dim,
                      .scale = attention_scale(c)});
}

void output_logits(Graph& g, const Linear& output, Tensor x) {
  const Tensor logits = output(g, x);
  g.output(Output::logits, logits);
  g.output(Output::argmax, g.argmax(logits));
}

int64_t draft_blocks(int64_t draft_rows, const Linear& output) {
  // Below this the whole product is cheap beside the rest of a head.
  constexpr int64_t kLargeVocab = 32768;
  const int64_t vocab = output.w.rows();
  if (draft_rows == kDraftRowsAuto) draft_rows = vocab < kLargeVocab ? 0 : vocab / 4;
  const int64_t blocks = (draft_rows + kBlockRows - 1) / kBlockRows;
  const bool whole = vocab % kBlockRows != 0 || blocks * kBlockRows >= vocab;
  return whole || output.bias.present() ? 0 : blocks;
}

void output_draft_logits(Graph& g, const Linear& output, Tensor x, int64_t blocks) {
  if (blocks == 0) return output_logits(g, output, x);
  const Tensor logits = g.matmul_blocks(output.w, x, blocks);
  g.output(Output::logits, logits);
  g.output(Output::argmax, g.block_row(g.argmax(logits), blocks));
}

State add_kv_state(Model& model, const TransformerSizes& c, int64_t index) {
  model.states.push_back(
      {fmt::format("blk.{}.kv", index), KvState{c.kv_heads, c.head_dim, c.head_dim}, false});
  return {static_cast<int32_t>(model.states.size()) - 1};
}

void add_hidden_state(Model& model, const TransformerSizes& c) {
  model.states.push_back({"hidden", HiddenState{c.hidden}, model.info.draft_head});
  model.hidden = {static_cast<int32_t>(model.states.size()) - 1};
  model.info.hidden_rows = true;
}

ModelInfo describe(const Keys& keys, const TransformerSizes& c) {
  return {.architecture = keys.architecture(),
          .layers = c.blocks,
          .hidden = c.hidden,
          .vocab = c.vocab,
          .context_length = c.context_length};
}

Result<Model> finish_model(Model model, WeightLoader& loader, const gguf::File& file) {
  TROIKA_TRY(model.weights, loader.finish());
  if (const Status status = model.trunk.check(); !status.ok())
    return fail(status.error().code(), "{}: {}", file.name(), status.error().message());
  if (model.draft)
    if (const Status status = model.draft->check(); !status.ok())
      return fail(status.error().code(), "{}: draft head: {}", file.name(),
                  status.error().message());
  return model;
}

}  // namespace troika
