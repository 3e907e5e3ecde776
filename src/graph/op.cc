#include "graph/op.h"

#include "graph/batch.h"

namespace troika {
namespace {

Error misfit(std::string_view what, int64_t got, int64_t wanted) {
  return fail(ErrorCode::invalid_argument, "{} is {}, wanted {}", what, got, wanted);
}

Status same_shape(const Tensor& a, const Tensor& b) {
  if (a.spec.rows != b.spec.rows)
    return fail(ErrorCode::invalid_argument, "operands count their rows differently");
  if (a.spec.units != b.spec.units)
    return misfit("units of the second operand", b.spec.units, a.spec.units);
  if (a.spec.width != b.spec.width)
    return misfit("width of the second operand", b.spec.width, a.spec.width);
  return ok();
}

struct OpName {
  std::string_view operator()(const Embed&) const { return "embed"; }
  std::string_view operator()(const MatMul&) const { return "matmul"; }
  std::string_view operator()(const MatMulBlocks&) const { return "matmul_blocks"; }
  std::string_view operator()(const RmsNorm&) const { return "rms_norm"; }
  std::string_view operator()(const L2Norm&) const { return "l2_norm"; }
  std::string_view operator()(const Rope&) const { return "rope"; }
  std::string_view operator()(const KvWrite&) const { return "kv_write"; }
  std::string_view operator()(const Attention&) const { return "attention"; }
  std::string_view operator()(const CausalConv&) const { return "causal_conv"; }
  std::string_view operator()(const GatedDeltaRule&) const { return "gated_delta_rule"; }
  std::string_view operator()(const RouterTopK&) const { return "router_top_k"; }
  std::string_view operator()(const ExpertMatMul&) const { return "expert_matmul"; }
  std::string_view operator()(const ExpertSum&) const { return "expert_sum"; }
  std::string_view operator()(const Add&) const { return "add"; }
  std::string_view operator()(const AddBias&) const { return "add_bias"; }
  std::string_view operator()(const SwiGlu&) const { return "swiglu"; }
  std::string_view operator()(const Gate&) const { return "gate"; }
  std::string_view operator()(const Concat&) const { return "concat"; }
  std::string_view operator()(const Slice&) const { return "slice"; }
  std::string_view operator()(const GatherRows&) const { return "gather_rows"; }
  std::string_view operator()(const StoreRows&) const { return "store_rows"; }
  std::string_view operator()(const LoadRows&) const { return "load_rows"; }
  std::string_view operator()(const Argmax&) const { return "argmax"; }
  std::string_view operator()(const BlockRow&) const { return "block_row"; }
  std::string_view operator()(const ArgmaxPair&) const { return "argmax_pair"; }
  std::string_view operator()(const Exchange&) const { return "exchange"; }
  std::string_view operator()(const SumParts&) const { return "sum_parts"; }
  std::string_view operator()(const BestPair&) const { return "best_pair"; }
};

struct MatrixOf {
  Weight operator()(const Embed& o) const { return o.table; }
  Weight operator()(const MatMul& o) const { return o.w; }
  Weight operator()(const MatMulBlocks& o) const { return o.w; }
  Weight operator()(const ExpertMatMul& o) const { return o.w; }
  Weight operator()(const ExpertSum& o) const { return o.w; }
  template <typename AnyOther>
  Weight operator()(const AnyOther&) const {
    return {};
  }
};

/// Whether `routing` chooses, for the rows of `x`, among the matrices of `w`.
Status fits(const Routing& routing, const Weight& w, const Tensor& x) {
  const Spec& chosen = routing.chosen.spec;
  if (chosen.axis != Axis::chosen || chosen.width != 2)
    return fail(ErrorCode::invalid_argument, "the routing is no value of a router");
  if (routing.experts != w.experts)
    return misfit("experts of the router", routing.experts, w.experts);
  if (chosen.rows != x.spec.rows)
    return fail(ErrorCode::invalid_argument, "x and the routing count their rows differently");
  return ok();
}

/// A product's value, or that of its parts.
Spec parts_of(Spec spec, const std::vector<int64_t>& parts) {
  if (parts.empty()) return spec;
  spec.width = spec.elements();
  spec.units = static_cast<int64_t>(parts.size());
  return spec;
}

}  // namespace

std::string_view op_name(const Op& op) {
  return std::visit(OpName{}, op);
}

Weight matrix_of(const Op& op) {
  return std::visit(MatrixOf{}, op);
}

Result<Spec> infer(const Op& op) {
  return std::visit([](const auto& o) { return o.infer(); }, op);
}

Result<Spec> Embed::infer() const {
  return Spec{DType::f32, Rows::tokens, Axis::hidden, 1, table.inputs};
}

Result<Spec> MatMul::infer() const {
  if (w.experts != 1) return misfit("matrices of w", w.experts, 1);
  if (x.spec.elements() != w.inputs) return misfit("row of x", x.spec.elements(), w.inputs);
  return parts_of({DType::f32, x.spec.rows, w.axis, w.units, w.width}, parts);
}

Result<Spec> MatMulBlocks::infer() const {
  TROIKA_TRY(Spec spec, (MatMul{w, x}.infer()));
  const int64_t own = w.rows() / kBlockRows;
  const int64_t total = total_blocks == 0 ? own : total_blocks;
  if (w.rows() % kBlockRows != 0 || blocks < 1 || blocks > total)
    return fail(ErrorCode::invalid_argument, "{} blocks of {} rows out of {} rows", blocks,
                kBlockRows, total * kBlockRows);
  if (first_block < 0 || first_block > total - own)
    return fail(ErrorCode::invalid_argument, "blocks {} to {} of {}", first_block,
                first_block + own, total);
  spec.units = blocks * kBlockRows;
  spec.width = 1;
  return spec;
}

Result<Spec> RmsNorm::infer() const {
  if (weight.rows() != x.spec.width) return misfit("norm weight", weight.rows(), x.spec.width);
  return x.spec;
}

Result<Spec> L2Norm::infer() const {
  return x.spec;
}

Result<Spec> Rope::infer() const {
  if (options.dims() == 0 || options.dims() > x.spec.width)
    return fail(ErrorCode::invalid_argument, "{} rotated elements of {}", options.dims(),
                x.spec.width);
  return x.spec;
}

Result<Spec> KvWrite::infer() const {
  if (k.spec.units != v.spec.units) return misfit("value heads", v.spec.units, k.spec.units);
  if (k.spec.rows != Rows::tokens || v.spec.rows != Rows::tokens)
    return fail(ErrorCode::invalid_argument, "keys and values need a row for each token");
  return Spec{};
}

Result<Spec> Attention::infer() const {
  if (kv_heads <= 0 || q.spec.units % kv_heads != 0)
    return fail(ErrorCode::invalid_argument, "{} query heads do not divide among {} KV heads",
                q.spec.units, kv_heads);
  return Spec{DType::f32, q.spec.rows, Axis::heads, q.spec.units, value_dim};
}

Result<Spec> CausalConv::infer() const {
  if (taps.rows() != x.spec.elements())
    return misfit("convolution channels", taps.rows(), x.spec.elements());
  if (taps.inputs < 2) return misfit("convolution taps", taps.inputs, 2);
  return x.spec;
}

Result<Spec> GatedDeltaRule::infer() const {
  if (k.spec.units != q.spec.units || k.spec.width != q.spec.width)
    return misfit("row of k", k.spec.elements(), q.spec.elements());
  if (k.spec.units <= 0 || v.spec.units % k.spec.units != 0)
    return fail(ErrorCode::invalid_argument, "{} value heads do not divide among {} key heads",
                v.spec.units, k.spec.units);
  for (const int64_t heads :
       {decay_in.spec.elements(), beta_in.spec.elements(), a.rows(), decay_bias.rows()})
    if (heads != v.spec.units) return misfit("per-head input", heads, v.spec.units);
  return v.spec;
}

Result<Spec> RouterTopK::infer() const {
  const int64_t experts = logits.spec.elements();
  const RouterOptions& o = options;
  if (experts < 1 || experts > kExpertsMax)
    return fail(ErrorCode::invalid_argument, "{} experts, wanted 1 to {}", experts, kExpertsMax);
  if (o.groups < 1 || experts % o.groups != 0)
    return fail(ErrorCode::invalid_argument, "{} experts do not divide into {} groups", experts,
                o.groups);
  if (o.groups_used < 1 || o.groups_used > o.groups)
    return fail(ErrorCode::invalid_argument, "{} groups to choose of {}", o.groups_used, o.groups);
  const int64_t candidates = experts / o.groups * o.groups_used;
  if (o.used < 1 || o.used > candidates)
    return fail(ErrorCode::invalid_argument, "{} experts to choose of {}", o.used, candidates);
  if (selection_bias.present() && selection_bias.rows() != experts)
    return misfit("selection bias", selection_bias.rows(), experts);
  return Spec{DType::f32, logits.spec.rows, Axis::chosen, o.used, 2};
}

Result<Spec> ExpertMatMul::infer() const {
  TROIKA_RETURN_IF_ERROR(fits(routing, w, x));
  if (x.spec.elements() != w.inputs) return misfit("row of x", x.spec.elements(), w.inputs);
  return Spec{DType::f32, x.spec.rows, Axis::chosen, routing.chosen.spec.units, w.units * w.width};
}

Result<Spec> ExpertSum::infer() const {
  TROIKA_RETURN_IF_ERROR(fits(routing, w, x));
  if (x.spec.units != routing.chosen.spec.units)
    return misfit("experts of x", x.spec.units, routing.chosen.spec.units);
  if (x.spec.width != w.inputs) return misfit("width of x", x.spec.width, w.inputs);
  return parts_of({DType::f32, x.spec.rows, w.axis, w.units, w.width}, parts);
}

Result<Spec> Add::infer() const {
  TROIKA_RETURN_IF_ERROR(same_shape(a, b));
  return a.spec;
}

Result<Spec> AddBias::infer() const {
  if (bias.rows() != x.spec.elements()) return misfit("bias", bias.rows(), x.spec.elements());
  return x.spec;
}

Result<Spec> SwiGlu::infer() const {
  TROIKA_RETURN_IF_ERROR(same_shape(gate, up));
  return gate.spec;
}

Result<Spec> Gate::infer() const {
  if (gate.spec.elements() != 1 || gate.spec.rows != x.spec.rows)
    TROIKA_RETURN_IF_ERROR(same_shape(x, gate));
  return x.spec;
}

Result<Spec> Concat::infer() const {
  if (a.spec.rows != b.spec.rows || a.spec.units != b.spec.units)
    return misfit("units of the second operand", b.spec.units, a.spec.units);
  Spec spec = a.spec;
  spec.width += b.spec.width;
  return spec;
}

Result<Spec> Slice::infer() const {
  if (begin < 0 || width <= 0 || begin + width > x.spec.width)
    return fail(ErrorCode::invalid_argument, "slice [{}, {}) of width {}", begin, begin + width,
                x.spec.width);
  Spec spec = x.spec;
  spec.width = width;
  return spec;
}

Result<Spec> GatherRows::infer() const {
  if (x.spec.rows != Rows::tokens)
    return fail(ErrorCode::invalid_argument,
                "rows can be gathered only from a tensor with a row for each token");
  Spec spec = x.spec;
  spec.rows = Rows::outputs;
  return spec;
}

Result<Spec> StoreRows::infer() const {
  return Spec{};
}

Result<Spec> LoadRows::infer() const {
  return Spec{DType::f32, Rows::tokens, Axis::hidden, 1, width};
}

Result<Spec> Argmax::infer() const {
  return Spec{DType::i32, x.spec.rows, Axis::hidden, 1, 1};
}

Result<Spec> BlockRow::infer() const {
  if (x.spec.dtype != DType::i32 || x.spec.elements() != 1)
    return fail(ErrorCode::invalid_argument, "rows are found for one i32 of each row of x");
  return x.spec;
}

Result<Spec> ArgmaxPair::infer() const {
  if (first < 0 || first + x.spec.elements() > kPairIdsMax)
    return fail(ErrorCode::invalid_argument, "ids up to {}, wanted at most {}",
                first + x.spec.elements(), kPairIdsMax);
  return Spec{DType::f32, x.spec.rows, Axis::hidden, 1, 2};
}

Result<Spec> Exchange::infer() const {
  for (const Tensor& value : values)
    if (value.spec.rows != rows || value.spec.dtype != DType::f32)
      return fail(ErrorCode::invalid_argument, "values of an exchange need f32 of the same rows");
  return Spec{};
}

Result<Spec> SumParts::infer() const {
  if (runs.empty()) return fail(ErrorCode::invalid_argument, "a sum of no parts");
  for (const LeafRun& run : runs) {
    if (run.leaves < 1 || run.member < 0 || run.member >= std::ssize(shown))
      return fail(ErrorCode::invalid_argument, "{} leaves of member {} of {}", run.leaves,
                  run.member, shown.size());
    const ShownAt& at = shown[static_cast<size_t>(run.member)];
    if (run.part < 0 || (run.part + 1) * value.elements() > at.elements)
      return misfit("parts shown", at.elements / value.elements(), run.part + 1);
  }
  return value;
}

Result<Spec> BestPair::infer() const {
  for (const ShownAt& at : shown)
    if (at.elements != 0 && at.elements != 2) return misfit("elements of a pair", at.elements, 2);
  return value;
}

}  // namespace troika
