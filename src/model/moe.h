// Feed-forwards of experts: a router and stacks of gate, up and down matrices.
#pragma once

#include <string>

#include "core/result.h"
#include "graph/graph.h"
#include "model/keys.h"
#include "model/weight_loader.h"

namespace troika {

struct MoeSizes {
  int64_t hidden = 0;
  int64_t experts = 0;
  int64_t ffn = 0;  // of an expert
  RouterOptions router;
};

/// Reads how many experts there are and are used, and the scale of their weights (0 means 1, as in
/// the files). The rest of the router is the family's business.
/// Errors: corrupt — more used than there are, or more than kExpertsMax.
Result<MoeSizes> read_moe_sizes(const Keys& keys, int64_t hidden, int64_t expert_ffn);

struct MoeFeedForward {
  Weight router, gate, up, down;
  RouterOptions options;
  Tensor operator()(Graph& g, Tensor x) const;
};

/// The experts of block `prefix` ("blk.3."): ffn_gate_inp, ffn_gate_exps, ffn_up_exps,
/// ffn_down_exps.
MoeFeedForward load_moe_feed_forward(WeightLoader& loader, const std::string& prefix,
                                     const MoeSizes& c);

}  // namespace troika
