// Feed-forwards of experts: a router, stacks of gate, up and down matrices, and in some families a
// shared expert that every token passes through. And the feed-forward of a family that may or may
// not have them.
#pragma once

#include <string>
#include <variant>

#include "core/result.h"
#include "graph/graph.h"
#include "model/keys.h"
#include "model/transformer.h"
#include "model/weight_loader.h"

namespace troika {

struct MoeSizes {
  int64_t hidden = 0;
  int64_t experts = 0;
  int64_t ffn = 0;         // of an expert
  int64_t shared_ffn = 0;  // of the shared expert; 0: there is none
  RouterOptions router;
};

/// Reads how many experts there are and are used, and the scale of their weights (0 means 1, as in
/// the files). How large they are and the rest of the router is the family's business.
/// Errors: corrupt — more used than there are, or more than kExpertsMax.
Result<MoeSizes> read_moe_sizes(const Keys& keys, int64_t hidden);

/// The same for the families of Qwen: the size of an expert is expert_feed_forward_length, else the
/// share of a used one in feed_forward_length; weights are normalised.
Result<MoeSizes> read_qwen_moe_sizes(const Keys& keys, const TransformerSizes& c);

/// The size of the shared expert: expert_shared_feed_forward_length, else feed_forward_length.
Result<int64_t> read_shared_ffn(const Keys& keys, const TransformerSizes& c);

/// Added to what the experts make, times the sigmoid of `gate` x.
struct SharedExpert {
  Weight gate;  // one row; absent: there is no shared expert
  FeedForward ffn;
};

struct MoeFeedForward {
  Weight router, gate, up, down;
  RouterOptions options;
  SharedExpert shared;
  Tensor operator()(Graph& g, Tensor x) const;
};

/// The experts of block `prefix` ("blk.3."): ffn_gate_inp, ffn_gate_exps, ffn_up_exps,
/// ffn_down_exps; and of the shared one ffn_gate_inp_shexp, ffn_gate_shexp, ffn_up_shexp,
/// ffn_down_shexp.
MoeFeedForward load_moe_feed_forward(WeightLoader& loader, const std::string& prefix,
                                     const MoeSizes& c);

/// A feed-forward of either kind.
using AnyFeedForwardSizes = std::variant<FeedForwardSizes, MoeSizes>;
using AnyFeedForward = std::variant<FeedForward, MoeFeedForward>;

AnyFeedForward load_any_feed_forward(WeightLoader& loader, const std::string& prefix,
                                     const AnyFeedForwardSizes& c);

/// x [rows, hidden] after its norm → [rows, hidden]
Tensor feed_forward(Graph& g, const AnyFeedForward& w, Tensor x);

/// Tells `info` about experts, where there are any.
void describe_experts(const AnyFeedForwardSizes& c, ModelInfo& info);

}  // namespace troika
