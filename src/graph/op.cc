#include "graph/op.h"

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
  std::string_view operator()(const RmsNorm&) const { return "rms_norm"; }
  std::string_view operator()(const L2Norm&) const { return "l2_norm"; }
  std::string_view operator()(const Rope&) const { return "rope"; }
  std::string_view operator()(const KvWrite&) const { return "kv_write"; }
  std::string_view operator()(const Attention&) const { return "attention"; }
  std::string_view operator()(const CausalConv&) const { return "causal_conv"; }
  std::string_view operator()(const GatedDeltaRule&) const { return "gated_delta_rule"; }
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
};

}  // namespace

std::string_view op_name(const Op& op) {
  return std::visit(OpName{}, op);
}

Result<Spec> infer(const Op& op) {
  return std::visit([](const auto& o) { return o.infer(); }, op);
}

Result<Spec> Embed::infer() const {
  return Spec{DType::f32, Rows::tokens, Axis::hidden, 1, table.inputs};
}

Result<Spec> MatMul::infer() const {
  if (x.spec.elements() != w.inputs) return misfit("row of x", x.spec.elements(), w.inputs);
  return Spec{DType::f32, x.spec.rows, w.axis, w.units, w.width};
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

}  // namespace troika
