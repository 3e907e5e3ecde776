// The fields of everything that goes from rank to rank, in order. A struct without a row here, or
// with other fields than its row, does not compile.
#pragma once

#include <span>

#include "device/device.h"
#include "device/remote/wire.h"
#include "graph/graph.h"
#include "graph/state.h"
#include "graph/weight.h"

namespace troika::remote {

/// Of an enumeration that ends in `last`.
template <typename E>
int64_t up_to(E last) {
  return 1 + static_cast<int64_t>(last);
}

// clang-format off
template <> inline int64_t enumerators<DType>() { return std::ssize(dtypes()); }
template <> inline int64_t enumerators<Rows>() { return up_to(Rows::outputs); }
template <> inline int64_t enumerators<Axis>() { return up_to(Axis::chosen); }
template <> inline int64_t enumerators<RopePairs>() { return up_to(RopePairs::halves); }
template <> inline int64_t enumerators<GateFunction>() { return up_to(GateFunction::silu); }
template <> inline int64_t enumerators<Gating>() { return up_to(Gating::softmax_chosen); }
template <> inline int64_t enumerators<WeightUse>() { return up_to(WeightUse::vector); }
template <> inline int64_t enumerators<ErrorCode>() { return up_to(ErrorCode::internal); }

// Values of graphs.
template <class A> void encode(A& at, Spec& o) { auto& [a, b, c, d, e] = o; at(a, b, c, d, e); }
template <class A> void encode(A& at, Tensor& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, Weight& o) {
  auto& [a, b, c, d, e, f] = o;
  at(a, b, c, d, e, f);
}
template <class A> void encode(A& at, State& o) { auto& [a] = o; at(a); }
template <class A> void encode(A& at, RopeOptions& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, RouterOptions& o) {
  auto& [a, b, c, d, e, f] = o;
  at(a, b, c, d, e, f);
}
template <class A> void encode(A& at, Routing& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, ShownAt& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, LeafRun& o) { auto& [a, b, c] = o; at(a, b, c); }

// Ops.
template <class A> void encode(A& at, Embed& o) { auto& [a] = o; at(a); }
template <class A> void encode(A& at, MatMul& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, MatMulBlocks& o) {
  auto& [a, b, c, d, e] = o;
  at(a, b, c, d, e);
}
template <class A> void encode(A& at, RmsNorm& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, L2Norm& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, Rope& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, KvWrite& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, Attention& o) {
  auto& [a, b, c, d, e] = o;
  at(a, b, c, d, e);
}
template <class A> void encode(A& at, CausalConv& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, GatedDeltaRule& o) {
  auto& [a, b, c, d, e, f, g, h] = o;
  at(a, b, c, d, e, f, g, h);
}
template <class A> void encode(A& at, RouterTopK& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, ExpertMatMul& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, ExpertSum& o) { auto& [a, b, c, d] = o; at(a, b, c, d); }
template <class A> void encode(A& at, Add& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, AddBias& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, SwiGlu& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, Gate& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, Concat& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, Slice& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, GatherRows& o) { auto& [a] = o; at(a); }
template <class A> void encode(A& at, StoreRows& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, LoadRows& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, Argmax& o) { auto& [a] = o; at(a); }
template <class A> void encode(A& at, BlockRow& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, ArgmaxPair& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, Exchange& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, SumParts& o) { auto& [a, b, c, d] = o; at(a, b, c, d); }
template <class A> void encode(A& at, BestPair& o) { auto& [a, b, c] = o; at(a, b, c); }

// States and weights.
template <class A> void encode(A& at, KvState& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, ConvState& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, DeltaState& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, HiddenState& o) { auto& [a] = o; at(a); }
template <class A> void encode(A& at, StateInfo& o) { auto& [a, b, c] = o; at(a, b, c); }
template <class A> void encode(A& at, StateOptions& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, ColumnRange& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, Split& o) { auto& [a] = o; at(a); }
template <class A> void encode(A& at, Sharing& o) { auto& [a, b] = o; at(a, b); }
template <class A> void encode(A& at, WeightCut& o) { auto& [a, b, c, d] = o; at(a, b, c, d); }
template <class A> void encode(A& at, Sizes& o) { auto& [a, b, c] = o; at(a, b, c); }
// clang-format on

/// All but the bytes, which are in a file.
template <class A>
void encode(A& at, WeightInfo& o) {
  auto& [name, dtype, use, weight, data, draft_head, split, sharing] = o;
  if constexpr (A::kReads) data = {};
  at(name, dtype, use, weight, draft_head, split, sharing);
}

/// Whether lengths are none below 0, and none whose products could not be numbers.
bool is_sane(const Weight& weight);
bool is_sane(const StateSpec& spec, const StateOptions& options);

/// Op by op; a Reader checks what ops trust: operands are values of ops before, sizes can be
/// multiplied, and each op infers its shape.
void encode(Writer& at, Graph& graph);
void encode(Reader& at, Graph& graph);

}  // namespace troika::remote
