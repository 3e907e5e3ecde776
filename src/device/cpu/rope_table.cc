#include "device/cpu/rope_table.h"

#include <cmath>

namespace troika::cpu {
namespace {

// pi / 2 in three parts. The first two have 33 bits, so their products with a quarter count below
// 2^20 (and the subtraction of the first) are exact; above that the error grows by 2^-66 a quarter.
constexpr double kQuarter1 = 1.57079632673412561417e+00;
constexpr double kQuarter2 = 6.07710050630396597660e-11;
constexpr double kQuarter3 = 2.02226624879595063154e-21;
constexpr double kRoundToWhole = 6755399441055744.0;  // 1.5 * 2^52: its last bit is worth one

}  // namespace

// Taylor series for |r| <= pi / 4: the first terms left out are r^17 / 17! < 5e-17 and r^18 / 18!.
CosineSine cosine_sine(double angle) {
  constexpr double kAngleMax = 2147483648.0;
  if (!(angle > -kAngleMax && angle < kAngleMax)) return {NAN, NAN};
  const double quarters = (angle * 0.63661977236758134308 + kRoundToWhole) - kRoundToWhole;
  double r = angle - quarters * kQuarter1;
  r -= quarters * kQuarter2;
  r -= quarters * kQuarter3;
  const double z = r * r;
  double s = 1.0 / 1307674368000.0;  // 15!
  s = 1.0 / 6227020800.0 - s * z;
  s = 1.0 / 39916800.0 - s * z;
  s = 1.0 / 362880.0 - s * z;
  s = 1.0 / 5040.0 - s * z;
  s = 1.0 / 120.0 - s * z;
  s = 1.0 / 6.0 - s * z;
  const double sine = r - r * z * s;
  double c = 1.0 / 20922789888000.0;  // 16!
  c = 1.0 / 87178291200.0 - c * z;
  c = 1.0 / 479001600.0 - c * z;
  c = 1.0 / 3628800.0 - c * z;
  c = 1.0 / 40320.0 - c * z;
  c = 1.0 / 720.0 - c * z;
  c = 1.0 / 24.0 - c * z;
  c = 1.0 / 2.0 - c * z;
  const double cosine = 1.0 - c * z;
  switch (static_cast<int64_t>(quarters) & 3) {
    case 0:
      return {cosine, sine};
    case 1:
      return {-sine, cosine};
    case 2:
      return {-cosine, -sine};
    default:
      return {sine, -cosine};
  }
}

int64_t RopeAngles::row_floats() const {
  return options_.pairs == RopePairs::adjacent ? options_.dims() : options_.dims() / 2;
}

void RopeAngles::fill(int32_t position, float* cosine, float* sine) const {
  const double magnitude = static_cast<double>(options_.magnitude);
  for (const double frequency : options_.frequencies) {
    const CosineSine turn = cosine_sine(static_cast<double>(position) * frequency);
    const auto c = static_cast<float>(magnitude * turn.cosine);
    const auto s = static_cast<float>(magnitude * turn.sine);
    if (options_.pairs == RopePairs::adjacent) {
      *cosine++ = c;
      *sine++ = -s;
    }
    *cosine++ = c;
    *sine++ = s;
  }
}

}  // namespace troika::cpu
