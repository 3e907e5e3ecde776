// A layer of gated delta rule: short convolutions of queries, keys and values, the rule, and a
// gated norm. Source: arXiv 2412.06464.
#pragma once

#include <string>

#include "core/result.h"
#include "graph/graph.h"
#include "model/keys.h"
#include "model/model.h"
#include "model/weight_loader.h"

namespace troika {

struct DeltaNetSizes {
  int64_t hidden = 0;
  int64_t taps = 0;
  int64_t state_dim = 0;  // width of a key head and of a value head
  int64_t key_heads = 0;
  int64_t value_heads = 0;
  float epsilon = 0;
};

/// Reads the keys ssm.*. Errors: not_found; corrupt — out of range, or they do not fit each other.
Result<DeltaNetSizes> read_delta_net_sizes(const Keys& keys, int64_t hidden, float epsilon);

struct DeltaNet {
  Weight q, k, v, z, q_taps, k_taps, v_taps, alpha, beta, a, dt_bias, norm, out;
};

/// The layer of block `at` ("blk.3."). Value heads are in tiled order.
DeltaNet load_delta_net(WeightLoader& loader, const std::string& at, const DeltaNetSizes& c);

struct DeltaStates {
  State q, k, v, delta;
};

/// Adds the states of block `index` to the model.
DeltaStates add_delta_states(Model& model, const DeltaNetSizes& c, int64_t index);

/// x [tokens, hidden] after its norm → [tokens, hidden]
Tensor delta_net(Graph& g, const DeltaNet& w, const DeltaNetSizes& c, const DeltaStates& s,
                 Tensor x);

}  // namespace troika
