// The recurrent layers of hybrid models: causal convolution and gated delta rule. Both advance
// token by token in one arithmetic; both first replay the logged tokens that turned out right
// (Span::replay), write their state after the last certain row and log the rows after it
// (docs/same_bits.md, rule 4).
#pragma once

#include "core/result.h"
#include "graph/batch.h"
#include "graph/tensor.h"

namespace troika {

/// y[t,c] = silu(sum_j taps[c,j] * x[t - (taps-1) + j, c]), tap 0 the oldest; inputs before the
/// text are zero.
struct CausalConv {
  Tensor x;                    // [tokens, units, width] f32
  Weight taps;                 // [units * width, taps] f32
  State state;                 // a ConvState of these sizes
  Result<Spec> infer() const;  // as x
};

/// Per value head h with key head i = h mod key_heads, state M [value_dim, key_dim]:
///   decay = exp(a[h] * softplus(decay_in[t,h] + decay_bias[h])),  beta = sigmoid(beta_in[t,h])
///   M *= decay;  delta = beta * (v - M k);  M += delta k^T;  o = M q.
/// Source: arXiv 2412.06464.
struct GatedDeltaRule {
  Tensor q;                    // [tokens, key_heads, key_dim] f32, normalised and scaled
  Tensor k;                    // [tokens, key_heads, key_dim] f32, normalised
  Tensor v;                    // [tokens, value_heads, value_dim] f32
  Tensor decay_in;             // [tokens, value_heads, 1] f32
  Tensor beta_in;              // [tokens, value_heads, 1] f32
  Weight a;                    // [value_heads] f32, negative
  Weight decay_bias;           // [value_heads] f32
  State state;                 // a DeltaState of these sizes
  Result<Spec> infer() const;  // as v
};

}  // namespace troika
