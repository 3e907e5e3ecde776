// What the two products over experts share: which experts, in which order, over which activations.
#pragma once

#include "device/cpu/expert_jobs.h"
#include "device/cpu/expert_order.h"
#include "device/cpu/layouts.h"

namespace troika::cpu {

struct ExpertProduct {
  ExpertProduct(const PackedExperts& matrices, const Routing& route, const ExpertSlots& places)
      : experts(matrices),
        routing(route),
        slots(places),
        strips(matrices[0].strips()),
        kind(activations_of(matrices[0])) {}

  int64_t used() const { return routing.chosen.spec.units; }
  int64_t rows(const Step& step) const { return step.rows(routing.chosen.spec.rows); }
  /// Chosen experts of all rows of the step.
  int64_t pairs(const Step& step) const { return rows(step) * used(); }
  /// Multiply-adds of a step.
  int64_t work(const Step& step) const {
    return pairs(step) * experts[0].rows() * experts[0].columns();
  }
  ExpertOrder order(const Step& step) const { return {step.bytes(slots.order), pairs(step)}; }
  /// The weight and the matrix of chosen expert `pair`, counted over all rows.
  float weight(const Step& step, int64_t pair) const { return choice(step, pair)[1]; }
  const PackedMatrix& matrix(const Step& step, int64_t pair) const {
    return experts[static_cast<int64_t>(*choice(step, pair))];
  }

  const PackedExperts& experts;
  Routing routing;
  ExpertSlots slots;
  int64_t strips;
  Activations kind;

 private:
  const float* choice(const Step& step, int64_t pair) const {
    return step.floats(routing.chosen.id) + 2 * pair;
  }
};

}  // namespace troika::cpu
