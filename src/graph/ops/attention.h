// Paged causal attention with grouped queries. Keys and values are read only as stored, in blocks
// of kPageTokens keys inside partitions of kPartitionTokens absolute positions, merged left to
// right (docs/same_bits.md, rule 3).
#pragma once

#include "core/result.h"
#include "graph/batch.h"
#include "graph/tensor.h"

namespace troika {

/// Stores the keys and values of the step's tokens at their positions in the pages of their
/// sequence (Input::spans).
struct KvWrite {
  Tensor k;                    // [tokens, kv_heads, key_dim] f32
  Tensor v;                    // [tokens, kv_heads, value_dim] f32
  State state;                 // a KvState of these sizes
  Result<Spec> infer() const;  // no value
};

/// o[t,h] = sum_j softmax_j(scale * q[t,h] . K[j, h / (heads / kv_heads)]) V[j], j over positions 0
/// .. position of t. Rows are found through Input::spans if q has a row for each token, through
/// Input::output_spans if for each output.
struct Attention {
  Tensor q;  // [tokens or outputs, heads, key_dim] f32
  State state;
  int64_t kv_heads = 0;
  int64_t value_dim = 0;
  float scale = 1;
  Result<Spec> infer()
      const;  // [rows, heads, value_dim] f32; invalid_argument if kv_heads does not divide heads
};

}  // namespace troika
