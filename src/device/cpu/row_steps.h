// The row steps: ops that make a row from a row. Slots are [rows, units * width] float32 unless
// said otherwise. Weights and angles are borrowed; they must outlive the step.
#pragma once

#include <memory>
#include <optional>

#include "device/cpu/buffers.h"
#include "device/cpu/job.h"
#include "device/cpu/matmul.h"
#include "device/cpu/rope_table.h"
#include "device/cpu/weights.h"
#include "graph/op.h"

namespace troika::cpu {

std::unique_ptr<RowStep> embed_step(const LookupRows& table, Slot y);
std::unique_ptr<RowStep> embed_step(const PackedMatrix& table, Slot y);
std::unique_ptr<RowStep> rms_norm_step(const RmsNorm& op, const float* weight, Slot y);
std::unique_ptr<RowStep> l2_norm_step(const L2Norm& op, Slot y);
std::unique_ptr<RowStep> add_step(const Add& op, Slot y);
std::unique_ptr<RowStep> add_bias_step(const AddBias& op, const float* bias, Slot y);
std::unique_ptr<RowStep> gate_step(const Tensor& x, const Tensor& gate, GateFunction function,
                                   Slot y);
/// The same where the gate is one element for the whole row.
std::unique_ptr<RowStep> scale_step(const Gate& op, Slot y);
std::unique_ptr<RowStep> concat_step(const Concat& op, Slot y);
std::unique_ptr<RowStep> slice_step(const Slice& op, Slot y);
std::unique_ptr<RowStep> block_row_step(const BlockRow& op, Slot y);
std::unique_ptr<RowStep> gather_step(const GatherRows& op, Slot y);
std::unique_ptr<RowStep> load_rows_step(const LoadRows& op, const CpuBuffer& state, Slot y);
std::unique_ptr<RowStep> store_rows_step(const StoreRows& op, const CpuBuffer& state);

/// Cosines and sines of a token's position: slots of [tokens, angles.row_floats()].
std::unique_ptr<RowStep> rope_table_step(RopeAngles angles, Slot cosine, Slot sine);

/// A table made by rope_table_step.
struct RopeSlots {
  Slot cosine = -1;
  Slot sine = -1;
  int64_t row_floats = 0;
};
std::unique_ptr<RowStep> rope_step(const Rope& op, const RopeSlots& table, Slot y);

/// Decay and beta of the gated delta rule: slots of [tokens, heads].
std::unique_ptr<RowStep> delta_gates_step(const GatedDeltaRule& op, const float* a,
                                          const float* bias, Slot decay, Slot beta);

/// Keys and values of a token into its page; rows without a sequence are passed over.
std::unique_ptr<RowStep> kv_write_step(const KvWrite& op, const CpuBuffer& state);

/// The row as `kind` of activations: a slot of activation_bytes().
std::unique_ptr<RowStep> quantize_step(const Tensor& x, Activations kind, Slot activations);

}  // namespace troika::cpu
