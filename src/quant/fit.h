// Which scale (and offset) lets a group of values lose least when they become small integers: a
// search over scales around that of the largest value, each refitted by weighted least squares.
// With the integers q given, scale and offset have a closed form; with scale and offset given, so
// has q: the search alternates.
#pragma once

#include <cstdint>
#include <span>

#include "quant/lanes4.h"

namespace troika::quant {

/// y = scale q - min, scale and min >= 0.
struct AffineFit {
  float scale = 0;
  float min = 0;
};

/// The fit of `x` with q in 0 ... `levels` that makes sum w (x - y)^2 small. `w` > 0, as long as
/// `x`.
AffineFit fit_affine(std::span<const Float4> x, std::span<const Float4> w, float levels);

/// The min for a `scale` that was rounded since: fits it to the integers that `scale` and `min`
/// give.
float refit_min(std::span<const Float4> x, std::span<const Float4> w, float levels, AffineFit fit);

/// The scale, of either sign, for y = scale q with q in `lowest` ... -`lowest` - 1; `lowest` < -1.
float fit_symmetric(std::span<const Float4> x, std::span<const Float4> w, float lowest);

/// Weights for fits of a block: its root mean square plus each value's magnitude. Large values
/// count for more, and none for nothing.
void fit_weights(std::span<const Float4> x, std::span<Float4> w);

/// The half, as bits, that serves as a scale of `x` >= 0: the nearest; where halves lie so far
/// apart that the nearest is much too small, the next one. Then no integer leaves its range by
/// more than it can round to.
uint16_t scale_to_f16(float x);

}  // namespace troika::quant
