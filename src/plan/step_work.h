// What a step cannot do without: bytes that must come from memory and operations that must be
// computed. Divided by what a machine does in a second they say how long a step takes: at least,
// which a measurement is held against, or about, which is a prediction (plan/step_time.h).
#pragma once

#include <cstdint>
#include <set>
#include <span>

#include "core/dtype.h"
#include "graph/graph.h"
#include "model/model.h"

namespace troika {

/// A step of the trunk: `rows` tokens of `sequences` sequences, each behind `context` tokens.
struct StepShape {
  int64_t rows = 1;
  int64_t outputs = 1;  // rows whose logits are computed
  int64_t sequences = 1;
  int64_t context = 0;
  DType kv_dtype = DType::f16;
};

/// Of one op, one step, or the sum of several.
struct StepWork {
  double weight_bytes = 0;     // as in the file; of experts, those that chance would touch
  double state_bytes = 0;      // keys and values read, recurrent states read and written
  double int8_operations = 0;  // products with quantised weights; an addition counts as well
  double f32_operations = 0;   // products with float weights, attention, recurrent layers
  double bytes() const { return weight_bytes + state_bytes; }
  double operations() const { return int8_operations + f32_operations; }
  StepWork& operator+=(const StepWork& other);
};

/// What the machine can do at most in a second.
struct MachineLimits {
  double bytes_per_s = 0;
  double int8_per_s = 0;
  double f32_per_s = 0;
};

/// Counts the ops of one graph, one after the other. Each weight is read once, however many rows
/// there are; an expert is read if any of the rows chooses it, taken as chosen evenly and
/// independently. Borrows all that it is made from.
class WorkCounter {
 public:
  /// @param weights, states  by id; of a member of a group, weights of the whole model (the shapes
  ///     are those that ops name) and states as it has them.
  WorkCounter(std::span<const WeightInfo> weights, std::span<const StateInfo> states,
              const StepShape& shape)
      : weights_(weights), states_(states), shape_(shape) {}

  StepWork count(const Op& op);

 private:
  struct Visitor;

  std::span<const WeightInfo> weights_;
  std::span<const StateInfo> states_;
  const StepShape& shape_;
  std::set<int32_t> read_;  // a tied matrix counts once
};

/// What the trunk's graph needs for one step.
StepWork work_of_step(const Model& model, const StepShape& shape);

/// The least milliseconds: memory and arithmetic side by side, the slower of the two; int8 and f32
/// arithmetic one after the other. 0 where a limit is not known.
double floor_ms(const StepWork& work, const MachineLimits& limits);

}  // namespace troika
