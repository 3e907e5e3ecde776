// Cosines and sines of a step: made once for each distinct set of rope options, shared by all
// layers.
#pragma once

#include <cstdint>

#include "graph/ops/rope.h"

namespace troika::cpu {

/// The angles of one set of rope options.
class RopeAngles {
 public:
  explicit RopeAngles(const RopeOptions& options) : options_(options) {}

  /// Floats of a cosine row, and of a sine row: kernels/rope.h.
  int64_t row_floats() const;

  /// The rows of `position`, times the magnitude. Angles are float64 products, reduced before
  /// cosine and sine are taken: within half a unit in the last place of float32 and 1e-9 for
  /// |angle| < 2^31.
  void fill(int32_t position, float* cosine, float* sine) const;

 private:
  RopeOptions options_;
};

/// Both at once, in float64, without the math library. Error under 1e-13 for |angle| < 2^31, not a
/// number beyond.
struct CosineSine {
  double cosine;
  double sine;
};
CosineSine cosine_sine(double angle);

}  // namespace troika::cpu
