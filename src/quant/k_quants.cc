#include "quant/k_quants.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/half.h"
#include "quant/encoders.h"
#include "quant/k_scales.h"

namespace troika::quant {
namespace {

constexpr size_t kGroups = 8;
constexpr size_t kGroupLanes = 32 / kLanes;
constexpr float kSixBits = 63;

int six_bits(float x, float unit) {
  if (unit == 0) return 0;
  return static_cast<int>(std::min(std::round(x / unit), kSixBits));
}

}  // namespace

KQuants quantise_k(std::span<const Float4> x, int levels) {
  std::array<Float4, 256 / kLanes> w;
  fit_weights(x, w);
  const auto top = static_cast<float>(levels);
  std::array<AffineFit, kGroups> fits;
  AffineFit largest;
  for (size_t g = 0; g < kGroups; g++) {
    const size_t at = g * kGroupLanes;
    fits[g] = fit_affine(x.subspan(at, kGroupLanes), std::span(w).subspan(at, kGroupLanes), top);
    largest = {std::max(largest.scale, fits[g].scale), std::max(largest.min, fits[g].min)};
  }
  KQuants k;
  k.d = scale_to_f16(largest.scale / kSixBits);
  k.dmin = scale_to_f16(largest.min / kSixBits);
  const float d = f16_to_f32(k.d);
  const float dmin = f16_to_f32(k.dmin);
  for (size_t g = 0; g < kGroups; g++) {
    const std::span<const Float4> group = x.subspan(g * kGroupLanes, kGroupLanes);
    const std::span<const Float4> weights = std::span(w).subspan(g * kGroupLanes, kGroupLanes);
    const int scale = six_bits(fits[g].scale, d);
    const float unit = d * static_cast<float>(scale);
    const int min = six_bits(refit_min(group, weights, top, {unit, fits[g].min}), dmin);
    pack_k_scale_min(k.scales, static_cast<int>(g), {scale, min});
    if (scale == 0) continue;  // all q are 0
    const float shift = dmin * static_cast<float>(min) / unit;
    quantise(group, 1 / unit, shift, 0, top, k.q + 32 * g);
  }
  return k;
}

}  // namespace troika::quant
