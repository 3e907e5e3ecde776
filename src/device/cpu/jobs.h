// The jobs that are not row steps: what mixes rows of a sequence, or splits within a row.
#pragma once

#include <memory>

#include "device/cpu/buffers.h"
#include "device/cpu/job.h"
#include "device/cpu/matmul.h"
#include "graph/op.h"

namespace troika::cpu {

/// y = W x, strips as items. `activations` were made by quantize_step for as many rows.
std::unique_ptr<Job> matmul_job(const PackedMatrix& matrix, const MatMul& op, Slot activations,
                                Slot y);

/// The same for the blocks of rows that the step names, blocks as items.
std::unique_ptr<Job> matmul_blocks_job(const PackedMatrix& matrix, const MatMulBlocks& op,
                                       Slot activations, Slot y);

/// Items are runs of channels of a sequence. `taps` is [channels, taps].
std::unique_ptr<Job> conv_job(const CausalConv& op, const float* taps, const CpuBuffer& state,
                              Slot y);

/// Zeroes the rows of a value that no span covers.
std::unique_ptr<Job> zero_uncovered_job(const Tensor& y);

/// Largest value of each run of a row, then the lowest place of the largest. `largest` is a slot of
/// [rows, argmax_runs()] floats.
std::unique_ptr<Job> argmax_runs_job(const Tensor& x, Slot largest);
std::unique_ptr<RowStep> argmax_step(const Argmax& op, Slot largest, Slot y);
std::unique_ptr<RowStep> argmax_pair_step(const ArgmaxPair& op, Slot largest, Slot y);
int64_t argmax_runs(const Tensor& x);

}  // namespace troika::cpu
