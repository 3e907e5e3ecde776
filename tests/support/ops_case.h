// One case of the conformance suite: a small graph, its data from a seed, and the steps to run.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "support/ops_rig.h"
#include "support/random_blocks.h"

namespace troika::testing {

/// The unit roundoff of float32.
inline constexpr double kRoundoff = 0x1p-24;

struct OpCase {
  std::string name;
  std::function<void(OpRig&)> build;  // weights, states and graph: the same on every device
  std::vector<StepInputs> steps;      // one after the other on the same states
  StateOptions options;

  /// How far an element may be from float64, in units of its scale. 0: equal, bit for bit.
  double tolerance = 0;
  /// The scale of each element of the (only) step's result. Where absent: the element itself (and
  /// a little) if `by_element`, else the root mean square of the step's result.
  std::function<std::vector<double>()> scales;
  bool by_element = false;
  /// Products with block formats: a device may round activations to 8 bits (see kEightBits*).
  bool eight_bits = false;
  /// Whether a step may be cut into several with the same result. Not where a row is loaded and
  /// stored in one step.
  bool cuts = true;
};

/// Activations rounded to 8 bits, d = amax / 127 over 32 or 256 values, err by at most d / 2,
/// evenly spread: a variance of d^2 / 12. For normal values amax is about 2.1 (32) or 2.8 (256)
/// deviations, so the error has 2.3e-5 or 4.1e-5 of the power. Bounds: five times the power over a
/// whole result; for one element eight times the deviation of sqrt(4.1e-5).
inline constexpr double kEightBitsPower = 2e-4;
inline constexpr double kEightBitsElement = 0.052;

/// 0, 1 ... count - 1.
inline std::vector<int32_t> iota(int64_t count) {
  std::vector<int32_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

/// A step of `tokens` rows without sequences, all of them wanted; row t is row t of each input.
inline StepInputs plain_step(int64_t tokens) {
  return {.token_ids = iota(tokens), .positions = iota(tokens), .output_rows = iota(tokens)};
}

/// What to compile for so that all steps fit.
inline Sizes sizes_of(const OpCase& c) {
  Sizes sizes;
  for (const StepInputs& s : c.steps) {
    sizes.tokens = std::max(sizes.tokens, static_cast<int64_t>(std::ssize(s.token_ids)));
    sizes.outputs = std::max(sizes.outputs, static_cast<int64_t>(std::ssize(s.output_rows)));
    sizes.sequences = std::max(sizes.sequences, static_cast<int64_t>(std::ssize(s.spans)));
  }
  return sizes;
}

/// Names the output rows of `x` as the result.
inline void finish(OpRig& rig, Tensor x) {
  if (x.spec.rows == Rows::tokens) x = rig.graph.gather_rows(x);
  rig.graph.output(Output::logits, x);
}

}  // namespace troika::testing
