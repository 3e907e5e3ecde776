// The plain decoder-only transformer: pre-norm blocks of grouped-query attention and SwiGLU. What
// llama, qwen2, qwen3 and qwen3moe differ in is which pairs rope turns, whether query and key heads
// are normalised before it, and what the feed-forward is; biases are there where the file has them.
#pragma once

#include <cstdint>

#include "core/result.h"
#include "gguf/file.h"
#include "graph/ops/rope.h"
#include "model/model.h"

namespace troika {

enum class DenseExperts : uint8_t {
  none,
  if_counted,  // of feed_forward_length each, where the file counts some (Mixtral is such a llama)
  qwen         // always; sizes as in moe.h
};

struct DenseVariant {
  const char* architecture;  // prefix of the file's keys
  RopePairs rope_pairs;
  bool head_norms;  // attn_q_norm and attn_k_norm are required
  DenseExperts experts = DenseExperts::none;
};

/// Makes a model of the variant. Errors: see make_model().
Result<Model> make_dense(const gguf::File& file, const DenseVariant& variant,
                         const ModelOptions& options);

}  // namespace troika
