// The ops of mixtures of experts. Experts are looked up where a product is made, and no weight
// moves: where rows are few, a product is one of a matrix with one row; where they are many, the
// rows of one expert are gathered for it.
#pragma once

#include <memory>

#include "device/cpu/job.h"
#include "device/cpu/matmul.h"
#include "device/cpu/weights.h"
#include "graph/op.h"

namespace troika::cpu {

/// Chooses experts; `bias` may be null.
std::unique_ptr<RowStep> router_step(const RouterTopK& op, const float* bias, Slot y);

/// Bytes from piece to piece of `columns` values as `kind` of activations.
int64_t piece_bytes(Activations kind, int64_t columns);

/// The pieces of `columns` values of each row of x, each quantised by itself: a slot of
/// piece_bytes(kind, columns) for each.
std::unique_ptr<RowStep> quantize_pieces_step(const Tensor& x, int64_t columns, Activations kind,
                                              Slot activations);

/// Items are strips of one expert, of one row or of all. `activations`: the row of x as one piece.
std::unique_ptr<Job> expert_matmul_job(const ExpertMatMul& op, const PackedExperts& experts,
                                       Slot activations, const Tensor& y);
/// Bytes of scratch that a thread needs for it.
int64_t expert_matmul_scratch_bytes(const PackedExperts& experts);

/// Items are strips of a tile of rows. `activations`: the row of x as a piece for each chosen
/// expert.
std::unique_ptr<Job> expert_sum_job(const ExpertSum& op, const PackedExperts& experts,
                                    Slot activations, const Tensor& y);
/// Bytes of scratch that a thread needs for it.
int64_t expert_sum_scratch_bytes(const ExpertSum& op, const PackedExperts& experts);

}  // namespace troika::cpu
