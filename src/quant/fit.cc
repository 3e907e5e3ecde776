#include "quant/fit.h"

#include <algorithm>
#include <cmath>

#include "core/half.h"

namespace troika::quant {
namespace {

constexpr int kRefits = 2;

struct Sums {
  double q = 0, qq = 0, qx = 0;  // sums of w q, w q^2, w q x
};

/// Of q = nearest(x inverse + shift) in low ... high.
Sums sums_of(std::span<const Float4> x, std::span<const Float4> w, float inverse, float shift,
             float low, float high) {
  const Float4 zero = {};
  Float4 q_sum = zero, qq_sum = zero, qx_sum = zero;
  for (size_t i = 0; i < x.size(); i++) {
    const Float4 q = nearest4(x[i] * inverse + shift, zero + low, zero + high);
    const Float4 wq = w[i] * q;
    q_sum += wq;
    qq_sum += wq * q;
    qx_sum += wq * x[i];
  }
  return {sum4(q_sum), sum4(qq_sum), sum4(qx_sum)};
}

struct Range {
  float low = 0, high = 0;
};

Range range_of(std::span<const Float4> x) {
  Float4 low = x[0], high = x[0];
  for (const Float4 v : x) {
    low = v < low ? v : low;
    high = v > high ? v : high;
  }
  return {std::min({low[0], low[1], low[2], low[3]}),
          std::max({high[0], high[1], high[2], high[3]})};
}

struct WeightSums {
  double w = 0, x = 0;  // sums of w and w x
};

WeightSums weight_sums(std::span<const Float4> x, std::span<const Float4> w) {
  Float4 w_sum = {}, x_sum = {};
  for (size_t i = 0; i < x.size(); i++) {
    w_sum += w[i];
    x_sum += w[i] * x[i];
  }
  return {sum4(w_sum), sum4(x_sum)};
}

/// What does not depend on q, and the best fit so far.
struct AffineSearch {
  WeightSums sums;
  AffineFit best;
  double gain = -1;  // sum w x^2 less the error, of the best

  /// Refits scale and min for the integers behind `s`, and keeps them if they are the best.
  void consider(const Sums& s) {
    const auto [w, x] = sums;
    const double determinant = w * s.qq - s.q * s.q;
    if (s.qq <= 0) return;
    double scale = s.qx / s.qq;
    double offset = 0;
    if (determinant > 1e-9 * w * s.qq) {
      const double free_offset = (s.qq * x - s.q * s.qx) / determinant;
      if (free_offset < 0) {
        offset = free_offset;
        scale = (w * s.qx - s.q * x) / determinant;
      }
    }
    const double found = 2 * (scale * s.qx + offset * x) - scale * scale * s.qq -
                         2 * scale * offset * s.q - offset * offset * w;
    if (!(scale > 0) || found <= gain) return;
    gain = found;
    best = {static_cast<float>(scale), static_cast<float>(-offset)};
  }
};

}  // namespace

AffineFit fit_affine(std::span<const Float4> x, std::span<const Float4> w, float levels) {
  constexpr float kFirst = -1.0f, kLast = 1.01f, kStep = 0.125f;  // of a level, beside `levels`
  Range range = range_of(x);
  range.low = std::min(range.low, 0.0f);
  if (range.high <= range.low) return {0, -range.low};
  const float width = range.high - range.low;
  AffineSearch search{.sums = weight_sums(x, w)};
  for (float wider = kFirst; wider < kLast; wider += kStep) {
    const float inverse = (levels + wider) / width;
    search.consider(sums_of(x, w, inverse, -range.low * inverse, 0, levels));
  }
  for (int i = 0; i < kRefits && search.best.scale > 0; i++) {
    const float inverse = 1 / search.best.scale;
    search.consider(sums_of(x, w, inverse, search.best.min * inverse, 0, levels));
  }
  if (search.best.scale > 0) return search.best;
  return {width / levels, -range.low};
}

float refit_min(std::span<const Float4> x, std::span<const Float4> w, float levels, AffineFit fit) {
  const float inverse = fit.scale > 0 ? 1 / fit.scale : 0;
  const Sums s = sums_of(x, w, inverse, fit.min * inverse, 0, levels);
  const WeightSums of = weight_sums(x, w);
  return static_cast<float>(std::max(0.0, (double{fit.scale} * s.q - of.x) / of.w));
}

float fit_symmetric(std::span<const Float4> x, std::span<const Float4> w, float lowest) {
  constexpr float kFirst = -0.8f, kLast = 0.81f, kStep = 0.2f;  // of a level, beside `lowest`
  const Range range = range_of(x);
  const float extreme = -range.low > range.high ? range.low : range.high;
  if (extreme == 0) return 0;
  float best = extreme / lowest;
  double gain = -1;
  const auto consider = [&](float inverse) {
    const Sums s = sums_of(x, w, inverse, 0, lowest, -lowest - 1);
    if (s.qq <= 0 || s.qx * s.qx <= gain * s.qq) return;
    gain = s.qx * s.qx / s.qq;
    best = static_cast<float>(s.qx / s.qq);
  };
  for (float wider = kFirst; wider < kLast; wider += kStep) consider((lowest + wider) / extreme);
  for (int i = 0; i < kRefits; i++) consider(1 / best);
  return best;
}

void fit_weights(std::span<const Float4> x, std::span<Float4> w) {
  Float4 squares = {};
  for (const Float4 v : x) squares += v * v;
  const float mean = sum4(squares) / static_cast<float>(x.size() * kLanes);
  const float floor = std::max(std::sqrt(mean), 0x1p-60f);
  for (size_t i = 0; i < x.size(); i++) w[i] = (x[i] < 0 ? -x[i] : x[i]) + floor;
}

uint16_t scale_to_f16(float x) {
  const uint16_t nearest = f32_to_f16(x);
  return f16_to_f32(nearest) < x * (1 - 1.0f / 512) ? nearest + 1 : nearest;
}

}  // namespace troika::quant
