// Mixtures of experts: a router chooses experts for each row, and products over a stack of matrices
// use those of the chosen ones. Order of addition: docs/same_bits.md, rule 1.
#pragma once

#include <vector>

#include "core/result.h"
#include "graph/tensor.h"

namespace troika {

/// The most experts of a layer.
inline constexpr int64_t kExpertsMax = 512;

/// The sum of chosen weights counts as at least this when weights are normalised.
inline constexpr float kChosenSumMin = 0x1p-14F;

/// How logits become scores.
enum class Gating : uint8_t {
  softmax,        // over all experts
  sigmoid,        // of each alone
  softmax_chosen  // the logit itself chooses; weights are the softmax over the chosen logits
};

/// Everything about a router but its logits.
struct RouterOptions {
  int64_t used = 0;  // experts chosen for a row
  Gating gating = Gating::softmax;
  bool normalise = false;  // divide the weights by their sum
  float scale = 1;         // of the weights, after that
  int64_t groups = 1;      // equal runs of neighbouring experts; experts are chosen from the groups
  int64_t groups_used = 1;  // whose two best experts have the largest sums
  bool operator==(const RouterOptions&) const = default;
};

/// The experts of each row, best first, as pairs (id, weight); both are exact in f32. The largest
/// of score + bias are chosen, of equal ones the lowest id; weights are scores without bias.
/// Sources: arXiv 2101.03961 (routing), 2408.15664 (bias), 2412.19437, section 2.1.2 (groups).
struct RouterTopK {
  Tensor logits;          // [rows, experts, 1] f32
  Weight selection_bias;  // [experts] f32, or absent
  RouterOptions options;
  /// [rows, used, 2] f32 on Axis::chosen; invalid_argument if there are more than kExpertsMax
  /// experts, fewer than are to be chosen, or groups that do not divide them.
  Result<Spec> infer() const;
};

/// The value of a RouterTopK, and among how many experts it chose.
struct Routing {
  Tensor chosen;  // [rows, used, 2]
  int64_t experts = 0;
};

/// y[t,j,o] = sum_k w[e,o,k] x[t,k] with e = expert j of row t
struct ExpertMatMul {
  Weight w;                    // [experts, units * width, inputs]
  Tensor x;                    // [rows, *] with `inputs` elements a row
  Routing routing;             // of the same rows and as many experts
  Result<Spec> infer() const;  // [rows, used, units * width] f32 on Axis::chosen
};

/// y[t,o] = sum_j weight(t,j) sum_k w[e,o,k] x[t,j,k] with e = expert j of row t. Leaves outermost:
/// each leaf adds weight times its part of the product expert by expert, best first; then the
/// leaves add as those of a matmul do.
struct ExpertSum {
  Weight w;                         // [experts, units * width, inputs]
  Tensor x;                         // [rows, used, inputs] f32
  Routing routing;                  // of the same rows and as many experts
  std::vector<int64_t> parts = {};  // as MatMul has them
  Result<Spec> infer() const;       // [rows, units, width] f32, the axis of w, or the parts
};

}  // namespace troika
