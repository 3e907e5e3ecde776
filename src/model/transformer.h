// What the plain decoder-only transformers share: their sizes, grouped-query attention and the
// SwiGLU feed-forward. Pieces to compose, not a base class: a family takes what fits and writes the
// rest in its own file.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "graph/graph.h"
#include "model/keys.h"
#include "model/model.h"
#include "model/rope.h"
#include "model/weight_loader.h"

namespace troika {

struct TransformerSizes {
  int64_t blocks = 0;  // of the trunk and of the draft head
  int64_t hidden = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t vocab = 0;
  int64_t context_length = 0;
  int64_t rope_dims = 0;
  float epsilon = 0;
};

/// Reads and checks the keys that every family here has. The vocabulary is the rows of
/// token_embd.weight.
Result<TransformerSizes> read_sizes(const Keys& keys);

/// A linear layer with an optional bias.
struct Linear {
  Weight w;
  Weight bias;
  Tensor operator()(Graph& g, Tensor x) const { return g.add_bias(g.matmul(w, x), bias); }
};

/// `name`.weight, and `name`.bias where the file has it.
Linear load_linear(WeightLoader& loader, const std::string& name, RowAxis rows,
                   const InputAxis& inputs);

struct Attention3 {
  Linear q, k, v;
};

/// Queries, keys and values of block `prefix` ("blk.3."): three matrices, or rows [q | k | v] of
/// one attn_qkv.
Attention3 load_qkv(WeightLoader& loader, const std::string& prefix, const TransformerSizes& c);

/// The matrix behind attention, whose inputs come in groups of query heads, one for each KV head.
Linear load_attention_output(WeightLoader& loader, const std::string& prefix,
                             const TransformerSizes& c);

struct FeedForwardSizes {
  int64_t hidden = 0;
  int64_t ffn = 0;
};

/// Reads feed_forward_length, which is the same for all blocks.
Result<FeedForwardSizes> read_feed_forward_sizes(const Keys& keys, const TransformerSizes& c);

struct FeedForward {
  Linear gate, up, down;
  Tensor operator()(Graph& g, Tensor x) const { return down(g, g.swiglu(gate(g, x), up(g, x))); }
};

/// ffn_gate, ffn_up and ffn_down of block `prefix`, each with `suffix` ("_shexp") behind its name.
FeedForward load_feed_forward(WeightLoader& loader, const std::string& prefix,
                              const FeedForwardSizes& c, std::string_view suffix = "");

/// Embedding, final norm and output matrix (the embedding again where the file has no
/// output.weight).
struct Ends {
  Weight embedding, norm;
  Linear output;
};

Ends load_ends(WeightLoader& loader, const TransformerSizes& c);

/// 1 / sqrt(head_dim)
float attention_scale(const TransformerSizes& c);

/// Attends to the keys and values that the step has written before. q after rope.
Tensor attend(Graph& g, const TransformerSizes& c, Tensor q, State kv);

/// Logits and their argmax as the graph's results. `x` are the output rows after the final norm.
void output_logits(Graph& g, const Linear& output, Tensor x);

/// Blocks of kBlockRows rows of `output` that a draft head computes in a step; 0: all rows.
int64_t draft_blocks(int64_t draft_rows, const Linear& output);
/// The same as output_logits() for so many blocks.
void output_draft_logits(Graph& g, const Linear& output, Tensor x, int64_t blocks);

/// Adds a KV state for block `index` to the model.
State add_kv_state(Model& model, const TransformerSizes& c, int64_t index);

/// Adds the state that keeps hidden rows, as info.hidden_rows and model.hidden.
void add_hidden_state(Model& model, const TransformerSizes& c);

/// The facts of `c` that others may ask about.
ModelInfo describe(const Keys& keys, const TransformerSizes& c);

/// Finishes the weight table and passes on the first error of loader or graphs.
Result<Model> finish_model(Model model, WeightLoader& loader, const gguf::File& file);

}  // namespace troika
