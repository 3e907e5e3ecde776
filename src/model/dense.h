// The plain decoder-only transformer: pre-norm blocks of grouped-query attention and SwiGLU. What
// llama, qwen2 and qwen3 differ in is which pairs rope turns, and whether query and key heads are
// normalised before it; biases are there where the file has them, and experts in place of the
// feed-forward where it counts some (Mixtral is a llama with experts).
#pragma once

#include "core/result.h"
#include "gguf/file.h"
#include "graph/ops/rope.h"
#include "model/model.h"

namespace troika {

struct DenseVariant {
  const char* architecture;  // prefix of the file's keys
  RopePairs rope_pairs;
  bool head_norms;  // attn_q_norm and attn_k_norm are required
};

/// Makes a model of the variant. Errors: see make_model().
Result<Model> make_dense(const gguf::File& file, const DenseVariant& variant);

}  // namespace troika
