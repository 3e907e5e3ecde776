// The ops of mixtures of experts. Rows are few for each expert, so every product is one of a matrix
// with one row: the experts of a row are looked up where the product is made, and no weight moves.
#pragma once

#include <memory>

#include "device/cpu/job.h"
#include "device/cpu/matmul.h"
#include "device/cpu/weights.h"
#include "graph/op.h"

namespace troika::cpu {

/// Chooses experts; `bias` may be null.
std::unique_ptr<RowStep> router_step(const RouterTopK& op, const float* bias, Slot y);

/// The pieces of `columns` values of each row of x as `kind` of activations, each by itself: a slot
/// of activation_bytes(kind, columns, 1) for each.
std::unique_ptr<RowStep> quantize_pieces_step(const Tensor& x, int64_t columns, Activations kind,
                                              Slot activations);

/// Items are strips of one expert of one row. `activations`: the row of x as one piece.
std::unique_ptr<Job> expert_matmul_job(const ExpertMatMul& op, const PackedExperts& experts,
                                       Slot activations, const Tensor& y);

/// Items are strips of one row. `activations`: the row of x as a piece for each chosen expert.
std::unique_ptr<Job> expert_sum_job(const ExpertSum& op, const PackedExperts& experts,
                                    Slot activations, const Tensor& y);
/// Bytes of scratch that a thread needs for it.
int64_t expert_sum_scratch_bytes();

}  // namespace troika::cpu
