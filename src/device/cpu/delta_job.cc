#include "device/cpu/delta_job.h"

#include <algorithm>

#include "device/cpu/kernels/delta.h"

namespace troika::cpu {
namespace {

/// Items are heads of a sequence, or, where there are too few of them for the threads, tiles of
/// their columns.
class DeltaBase : public Job {
 public:
  explicit DeltaBase(const DeltaPlan& plan) : plan_(plan) {}

 protected:
  int64_t heads() const { return plan_.op.v.spec.units; }
  int64_t value_dim() const { return plan_.op.v.spec.width; }

  /// Items of a head.
  int64_t pieces(const Step& step) const {
    const bool is_few = std::ssize(step.spans) * heads() < kItemsPerThread * step.threads;
    return is_few && step.threads > 1 ? (value_dim() + kDeltaColumns - 1) / kDeltaColumns : 1;
  }

  /// All columns of head `head` of `span`.
  DeltaArgs args(const Step& step, const Span& span, int64_t head, int thread) const {
    const GatedDeltaRule& op = plan_.op;
    const RecurrentUnit unit(*plan_.state, span);
    const int64_t key_dim = op.k.spec.width;
    const int64_t key_head = head % op.k.spec.units;
    const auto at = [&](Slot slot, int64_t row_elements, int64_t offset) {
      return step.floats(slot) + span.row_begin * row_elements + offset;
    };
    return {.state = unit.state + head * key_dim * value_dim(),
            .log = unit.log + head * (1 + key_dim + value_dim()),
            .log_stride = unit.log_floats,
            .q = at(op.q.id, op.q.spec.elements(), key_head * key_dim),
            .q_stride = op.q.spec.elements(),
            .k = at(op.k.id, op.k.spec.elements(), key_head * key_dim),
            .k_stride = op.k.spec.elements(),
            .v = at(op.v.id, op.v.spec.elements(), head * value_dim()),
            .v_stride = op.v.spec.elements(),
            .decay = at(plan_.decay, heads(), head),
            .beta = at(plan_.beta, heads(), head),
            .gate_stride = heads(),
            .o = at(plan_.y, op.v.spec.elements(), head * value_dim()),
            .o_stride = op.v.spec.elements(),
            .key_dim = key_dim,
            .value_dim = value_dim(),
            .begin = 0,
            .end = value_dim(),
            .rows = span.rows,
            .certain = span.certain,
            .replay = span.replay,
            .fresh = span.fresh != 0,
            .scratch = reinterpret_cast<float*>(step.scratch[static_cast<size_t>(thread)])};
  }

  static constexpr int64_t kItemsPerThread = 2;
  DeltaPlan plan_;
};

class DeltaJob final : public DeltaBase {
 public:
  using DeltaBase::DeltaBase;

  int64_t items(const Step& step) const override {
    return std::ssize(step.spans) * heads() * pieces(step);
  }
  int64_t work(const Step& step) const override {
    return 2 * step.rows(Rows::tokens) * plan_.op.v.spec.elements() * plan_.op.k.spec.width;
  }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    const DeltaKernels& kernels = step.kernels->delta;
    const int64_t parts = pieces(step);
    for (int64_t item = begin; item < end; item++) {
      const int64_t head = item / parts;
      DeltaArgs a =
          args(step, step.spans[static_cast<size_t>(head / heads())], head % heads(), thread);
      if (parts > 1) {
        a.begin = item % parts * kDeltaColumns;
        a.end = std::min(value_dim(), a.begin + kDeltaColumns);
      }
      kernels.delta_rule(a);
      if (parts == 1) kernels.log_rows(a);
    }
  }
};

/// Logs decays and keys after all columns, where those are items of their own.
class DeltaLogJob final : public DeltaBase {
 public:
  using DeltaBase::DeltaBase;

  int64_t items(const Step& step) const override {
    if (pieces(step) == 1) return 0;
    const auto logs = [](const Span& span) { return span.certain < span.rows; };
    return std::ranges::any_of(step.spans, logs) ? std::ssize(step.spans) * heads() : 0;
  }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    for (int64_t item = begin; item < end; item++)
      step.kernels->delta.log_rows(
          args(step, step.spans[static_cast<size_t>(item / heads())], item % heads(), thread));
  }
};

}  // namespace

std::unique_ptr<Job> delta_job(const DeltaPlan& plan) {
  return std::make_unique<DeltaJob>(plan);
}

std::unique_ptr<Job> delta_log_job(const DeltaPlan& plan) {
  return std::make_unique<DeltaLogJob>(plan);
}

int64_t delta_scratch_bytes(const GatedDeltaRule& op) {
  return op.k.spec.width * kDeltaColumns * int64_t{sizeof(float)};
}

}  // namespace troika::cpu
