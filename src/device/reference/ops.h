// The ops: one overload of compute() for each, in the file named after its header in graph/ops.
// `y` is the op's value, zeroed; ops without a value get an empty one.
#pragma once

#include "core/result.h"
#include "device/reference/step.h"
#include "graph/op.h"

namespace troika::reference {

Status compute(Step& step, const Embed& op, const Tensor& y);
Status compute(Step& step, const MatMul& op, const Tensor& y);
Status compute(Step& step, const MatMulBlocks& op, const Tensor& y);
Status compute(Step& step, const RmsNorm& op, const Tensor& y);
Status compute(Step& step, const L2Norm& op, const Tensor& y);
Status compute(Step& step, const Rope& op, const Tensor& y);
Status compute(Step& step, const KvWrite& op, const Tensor& y);
Status compute(Step& step, const Attention& op, const Tensor& y);
Status compute(Step& step, const CausalConv& op, const Tensor& y);
Status compute(Step& step, const GatedDeltaRule& op, const Tensor& y);
Status compute(Step& step, const RouterTopK& op, const Tensor& y);
Status compute(Step& step, const ExpertMatMul& op, const Tensor& y);
Status compute(Step& step, const ExpertSum& op, const Tensor& y);
Status compute(Step& step, const Add& op, const Tensor& y);
Status compute(Step& step, const AddBias& op, const Tensor& y);
Status compute(Step& step, const SwiGlu& op, const Tensor& y);
Status compute(Step& step, const Gate& op, const Tensor& y);
Status compute(Step& step, const Concat& op, const Tensor& y);
Status compute(Step& step, const Slice& op, const Tensor& y);
Status compute(Step& step, const GatherRows& op, const Tensor& y);
Status compute(Step& step, const StoreRows& op, const Tensor& y);
Status compute(Step& step, const LoadRows& op, const Tensor& y);
Status compute(Step& step, const Argmax& op, const Tensor& y);
Status compute(Step& step, const BlockRow& op, const Tensor& y);

/// Of ops that only members of a group have. Errors: unsupported.
Status compute(Step& step, const ArgmaxPair& op, const Tensor& y);
Status compute(Step& step, const Exchange& op, const Tensor& y);
Status compute(Step& step, const SumParts& op, const Tensor& y);
Status compute(Step& step, const BestPair& op, const Tensor& y);

/// 1 / (1 + e^-x) and x / (1 + e^-x).
double sigmoid(double x);
double silu(double x);

}  // namespace troika::reference
