// The list of ops. An op is data: its fields say everything, infer() is the only shape check,
// devices trust it.
#pragma once

#include <string_view>
#include <variant>

#include "graph/ops/attention.h"
#include "graph/ops/collective.h"
#include "graph/ops/elementwise.h"
#include "graph/ops/embed.h"
#include "graph/ops/matmul.h"
#include "graph/ops/moe.h"
#include "graph/ops/norm.h"
#include "graph/ops/recurrent.h"
#include "graph/ops/rope.h"
#include "graph/ops/rows.h"

namespace troika {

using Op = std::variant<Embed, MatMul, MatMulBlocks, RmsNorm, L2Norm, Rope, KvWrite, Attention,
                        CausalConv, GatedDeltaRule, RouterTopK, ExpertMatMul, ExpertSum, Add,
                        AddBias, SwiGlu, Gate, Concat, Slice, GatherRows, StoreRows, LoadRows,
                        Argmax, BlockRow, ArgmaxPair, Exchange, SumParts, BestPair>;

/// The op's name as the papers and error messages spell it ("rms_norm").
std::string_view op_name(const Op& op);

/// The weight matrix that the op reads, if it reads one: its type decides whether a device can run
/// the op (Device::supports).
Weight matrix_of(const Op& op);

/// The shape of the op's value; Rows::none where it has none.
Result<Spec> infer(const Op& op);

}  // namespace troika
