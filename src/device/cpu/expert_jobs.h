// The ops of mixtures of experts. No weight moves: the rows that chose an expert come together
// (expert_order.h) and are multiplied with its matrix where that lies.
#pragma once

#include <memory>

#include "device/cpu/job.h"
#include "device/cpu/matmul.h"
#include "device/cpu/weights.h"
#include "graph/op.h"

namespace troika::cpu {

/// Chooses experts; `bias` may be null.
std::unique_ptr<RowStep> router_step(const RouterTopK& op, const float* bias, Slot y);

/// What a product over experts reads beside weights and choices.
struct ExpertSlots {
  Slot activations = -1;
  Slot order = -1;
};

/// Bytes from pair to pair of `columns` values as `kind` of activations.
int64_t pair_bytes(Activations kind, int64_t columns);

/// Quantises x, [rows, used, columns], each pair to where its chunk of the order wants it: a chunk
/// from place p on begins at p times pair_bytes() and holds [block][place in the chunk].
std::unique_ptr<RowStep> quantize_pairs_step(const Tensor& x, Activations kind,
                                             const ExpertSlots& slots);

/// Items are strips of one expert. `slots`: the rows of x as quantize_step makes them, and an order
/// of one tile.
std::unique_ptr<Job> expert_matmul_job(const ExpertMatMul& op, const PackedExperts& experts,
                                       const ExpertSlots& slots, const Tensor& y);
/// Bytes of scratch that a thread needs for it.
int64_t expert_matmul_scratch_bytes(const PackedExperts& experts);

/// Items are strips of a tile of rows. `slots`: x as quantize_pairs_step makes it, and an order in
/// tiles of expert_sum_tile_rows().
std::unique_ptr<Job> expert_sum_job(const ExpertSum& op, const PackedExperts& experts,
                                    const ExpertSlots& slots, const Tensor& y);
int64_t expert_sum_tile_rows(const ExpertSum& op, const PackedExperts& experts);
/// Bytes of scratch that a thread needs for it.
int64_t expert_sum_scratch_bytes(const ExpertSum& op, const PackedExperts& experts);

}  // namespace troika::cpu
