#include "plan/step_work.h"

#include <algorithm>
#include <cmath>
#include <variant>

namespace troika {
namespace {

bool is_float(DType dtype) {
  return dtype_info(dtype).block == 1;
}

}  // namespace

StepWork& StepWork::operator+=(const StepWork& other) {
  weight_bytes += other.weight_bytes;
  state_bytes += other.state_bytes;
  int8_operations += other.int8_operations;
  f32_operations += other.f32_operations;
  return *this;
}

/// Adds up one op, by its overload.
struct WorkCounter::Visitor {
  WorkCounter& counter;
  StepWork work = {};

  const StepShape& shape() const { return counter.shape_; }
  double rows_of(const Tensor& x) const {
    return static_cast<double>(x.spec.rows == Rows::outputs ? shape().outputs : shape().rows);
  }
  /// Tables that are matrices too have numbers of their own behind the others.
  const WeightInfo& info(const Weight& w) const {
    return counter.weights_[static_cast<size_t>(w.id) % counter.weights_.size()];
  }
  const StateSpec& spec(State s) const { return counter.states_[static_cast<size_t>(s.id)].spec; }

  void read_weight(const Weight& w, double share) {
    if (!counter.read_.insert(w.id).second) return;
    const int64_t bytes = dtype_bytes(info(w).dtype, w.rows() * w.inputs);
    work.weight_bytes += share * static_cast<double>(bytes);
  }
  void multiply(const Weight& w, double operations) {
    (is_float(info(w).dtype) ? work.f32_operations : work.int8_operations) += operations;
  }

  void operator()(const MatMul& op) {
    read_weight(op.w, 1);
    multiply(op.w, 2 * rows_of(op.x) * static_cast<double>(op.w.rows() * op.w.inputs));
  }
  void operator()(const MatMulBlocks& op) {
    // Of a member that has a part of the blocks, as many as chance would choose of it.
    const double here = op.total_blocks > 0 ? static_cast<double>(op.w.rows() / kBlockRows) /
                                                  static_cast<double>(op.total_blocks)
                                            : 1;
    const double rows = here * static_cast<double>(op.blocks * kBlockRows);
    const double share = rows / static_cast<double>(op.w.rows());
    read_weight(op.w, share);
    multiply(op.w, 2 * rows_of(op.x) * rows * static_cast<double>(op.w.inputs));
  }
  void add_experts(const Weight& w, const Routing& routing) {
    const double rows = rows_of(routing.chosen);
    const auto used = static_cast<double>(routing.chosen.spec.units);
    const double missed = 1 - used / static_cast<double>(routing.experts);
    read_weight(w, 1 - std::pow(missed, rows));
    multiply(w, 2 * rows * used * static_cast<double>(w.units * w.width * w.inputs));
  }
  void operator()(const ExpertMatMul& op) { add_experts(op.w, op.routing); }
  void operator()(const ExpertSum& op) { add_experts(op.w, op.routing); }
  void operator()(const Embed& op) {
    const int64_t row_bytes = dtype_bytes(info(op.table).dtype, op.table.inputs);
    work.weight_bytes += static_cast<double>(shape().rows * row_bytes);
  }
  void operator()(const Attention& op) {
    const auto* kv = std::get_if<KvState>(&spec(op.state));
    if (kv == nullptr) return;
    const auto sequences = static_cast<double>(shape().sequences);
    const int64_t page = state_unit_bytes(*kv, {.kv_dtype = shape().kv_dtype, .log_tokens = 0});
    const double keys = static_cast<double>(shape().context) + rows_of(op.q) / sequences;
    work.state_bytes +=
        sequences * keys * static_cast<double>(page) / static_cast<double>(kPageTokens);
    const double head = static_cast<double>(op.q.spec.width + op.value_dim);
    work.f32_operations += 2 * rows_of(op.q) * keys * static_cast<double>(op.q.spec.units) * head;
  }
  void operator()(const GatedDeltaRule& op) {
    constexpr double kOperations = 7;  // decay, M k, update, M q for each element of a state
    const auto* delta = std::get_if<DeltaState>(&spec(op.state));
    if (delta == nullptr) return;
    const auto elements = static_cast<double>(delta->heads * delta->key_dim * delta->value_dim);
    work.state_bytes += 2 * 4 * elements * static_cast<double>(shape().sequences);
    work.f32_operations += kOperations * elements * rows_of(op.v);
  }
  template <typename Small>
  void operator()(const Small&) {}  // elementwise ops, norms: small beside what is counted
};

StepWork WorkCounter::count(const Op& op) {
  Visitor visitor{*this};
  std::visit([&visitor](const auto& one) { visitor(one); }, op);
  return visitor.work;
}

StepWork work_of_step(const Model& model, const StepShape& shape) {
  WorkCounter counter(model.weights, model.states, shape);
  StepWork work;
  for (const Node& node : model.trunk.nodes()) work += counter.count(node.op);
  return work;
}

double floor_ms(const StepWork& work, const MachineLimits& limits) {
  if (limits.bytes_per_s <= 0 || limits.int8_per_s <= 0 || limits.f32_per_s <= 0) return 0;
  const double memory_s = work.bytes() / limits.bytes_per_s;
  const double compute_s =
      work.int8_operations / limits.int8_per_s + work.f32_operations / limits.f32_per_s;
  return 1e3 * std::max(memory_s, compute_s);
}

}  // namespace troika
