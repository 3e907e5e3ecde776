#include "cli/bench_work.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <variant>

namespace troika::cli {
namespace {

bool is_float(DType dtype) {
  return dtype_info(dtype).block == 1;
}

/// Adds up the ops of a graph, each by its overload.
class WorkCounter {
 public:
  WorkCounter(const Model& model, const StepShape& shape) : model_(model), shape_(shape) {}

  void count(const Op& op) {
    std::visit([this](const auto& one) { add(one); }, op);
  }

  StepWork work;

 private:
  double rows_of(const Tensor& x) const {
    return static_cast<double>(x.spec.rows == Rows::outputs ? shape_.outputs : shape_.rows);
  }
  const WeightInfo& info(Weight w) const { return model_.weights[static_cast<size_t>(w.id)]; }
  const StateSpec& spec(State s) const { return model_.states[static_cast<size_t>(s.id)].spec; }

  void read_weight(Weight w, double share) {
    if (!read_.insert(w.id).second) return;
    const int64_t bytes = dtype_bytes(info(w).dtype, w.rows() * w.inputs);
    work.weight_bytes += share * static_cast<double>(bytes);
  }
  void multiply(Weight w, double matrices_rows) {
    const double operations = 2 * matrices_rows * static_cast<double>(w.units * w.width * w.inputs);
    (is_float(info(w).dtype) ? work.f32_operations : work.int8_operations) += operations;
  }

  void add(const MatMul& op) {
    read_weight(op.w, 1);
    multiply(op.w, rows_of(op.x));
  }
  void add_experts(Weight w, const Routing& routing) {
    const double rows = rows_of(routing.chosen);
    const auto used = static_cast<double>(routing.chosen.spec.units);
    const double missed = 1 - used / static_cast<double>(routing.experts);
    read_weight(w, 1 - std::pow(missed, rows));
    multiply(w, rows * used);
  }
  void add(const ExpertMatMul& op) { add_experts(op.w, op.routing); }
  void add(const ExpertSum& op) { add_experts(op.w, op.routing); }
  void add(const Embed& op) {
    const int64_t row_bytes = dtype_bytes(info(op.table).dtype, op.table.inputs);
    work.weight_bytes += static_cast<double>(shape_.rows * row_bytes);
  }
  void add(const Attention& op) {
    const auto* kv = std::get_if<KvState>(&spec(op.state));
    if (kv == nullptr) return;
    const int64_t page = state_unit_bytes(*kv, {.kv_dtype = shape_.kv_dtype, .log_tokens = 0});
    const double keys =
        static_cast<double>(shape_.context) + rows_of(op.q) / static_cast<double>(shape_.sequences);
    work.state_bytes += static_cast<double>(shape_.sequences) * keys * static_cast<double>(page) /
                        static_cast<double>(kPageTokens);
    const double head = static_cast<double>(op.q.spec.width + op.value_dim);
    work.f32_operations += 2 * rows_of(op.q) * keys * static_cast<double>(op.q.spec.units) * head;
  }
  void add(const GatedDeltaRule& op) {
    constexpr double kOperations = 7;  // decay, M k, update, M q for each element of a state
    const auto* delta = std::get_if<DeltaState>(&spec(op.state));
    if (delta == nullptr) return;
    const auto elements = static_cast<double>(delta->heads * delta->key_dim * delta->value_dim);
    work.state_bytes += 2 * 4 * elements * static_cast<double>(shape_.sequences);
    work.f32_operations += kOperations * elements * rows_of(op.v);
  }
  template <typename Small>
  void add(const Small&) {}  // elementwise ops, norms: small beside what is counted

  const Model& model_;
  const StepShape& shape_;
  std::set<int32_t> read_;  // a tied matrix counts once
};

}  // namespace

StepWork work_of_step(const Model& model, const StepShape& shape) {
  WorkCounter counter(model, shape);
  for (const Node& node : model.trunk.nodes()) counter.count(node.op);
  return counter.work;
}

double floor_ms(const StepWork& work, const MachineLimits& limits) {
  if (limits.bytes_per_s <= 0 || limits.int8_per_s <= 0 || limits.f32_per_s <= 0) return 0;
  const double memory_s = work.bytes() / limits.bytes_per_s;
  const double compute_s =
      work.int8_operations / limits.int8_per_s + work.f32_operations / limits.f32_per_s;
  return 1e3 * std::max(memory_s, compute_s);
}

}  // namespace troika::cli
