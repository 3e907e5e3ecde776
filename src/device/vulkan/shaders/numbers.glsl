// exp and what is made of it, and the 16-bit floats: plain float32 and integer steps, so that every
// driver computes the same and none of them has a say in it.

// x = n ln 2 + r with |r| <= ln(2) / 2, e^r by its Taylor series to r^7, times 2^n in two steps.
float exp_of(float argument) {
  const float x = min(89.0, max(-104.0, argument));
  const float n = roundEven(x * 1.44269504);
  precise float r = fma(n, -0.693145751953125, x);
  r = fma(n, -1.42860677e-6, r);
  precise float p = 1.98412698e-4;
  p = fma(p, r, 1.38888889e-3);
  p = fma(p, r, 8.33333333e-3);
  p = fma(p, r, 4.16666667e-2);
  p = fma(p, r, 1.66666667e-1);
  p = fma(p, r, 0.5);
  p = fma(p, r, 1.0);
  p = fma(p, r, 1.0);
  const int whole = int(n);
  const int half_of_it = whole / 2;
  p = p * uintBitsToFloat(uint(half_of_it + 127) << 23);
  p = p * uintBitsToFloat(uint(whole - half_of_it + 127) << 23);
  return p;
}

float sigmoid_of(float x) {
  precise float y = 1.0 / (1.0 + exp_of(-x));
  return y;
}

float silu_of(float x) {
  precise float y = x / (1.0 + exp_of(-x));
  return y;
}

// ln(1 + e^x) = max(x, 0) + ln(1 + u), u = e^-|x|; ln(1 + u) = 2 atanh(s), s = u / (2 + u), by its
// series to s^15.
float softplus_of(float x) {
  precise float u = exp_of(-abs(x));
  precise float s = u / (2.0 + u);
  precise float s2 = s * s;
  precise float p = 1.0 / 15.0;
  p = fma(p, s2, 1.0 / 13.0);
  p = fma(p, s2, 1.0 / 11.0);
  p = fma(p, s2, 1.0 / 9.0);
  p = fma(p, s2, 1.0 / 7.0);
  p = fma(p, s2, 1.0 / 5.0);
  p = fma(p, s2, 1.0 / 3.0);
  p = fma(p, s2, 1.0);
  precise float y = max(0.0, x) + (s + s) * p;
  return y;
}

// The float32 of the half in the low bits of `h`, exact. Drivers may flush subnormal halves.
float half_to_float(uint h) {
  const uint sign = (h & 0x8000u) << 16;
  const uint exponent = h >> 10 & 31u;
  const uint mantissa = h & 1023u;
  const uint subnormal = floatBitsToUint(float(mantissa) * 5.9604644775390625e-8);  // 2^-24
  const uint normal = (exponent + (exponent == 31u ? 224u : 112u)) << 23 | mantissa << 13;
  return uintBitsToFloat(sign | (exponent == 0u ? subnormal : normal));
}

// The nearest half, to even, as bits. The language leaves the rounding of packHalf2x16 open.
uint float_to_half(float x) {
  const uint bits = floatBitsToUint(x);
  const uint sign = bits >> 16 & 0x8000u;
  const uint size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return sign | 0x7e00u;
  if (size >= 0x47800000u) return sign | 0x7c00u;
  if (size < 0x38800000u) return sign | uint(roundEven(uintBitsToFloat(size) * 16777216.0));
  const uint moved = size - 0x38000000u;
  return sign | (moved + 0xfffu + (moved >> 13 & 1u)) >> 13;
}

float bfloat_to_float(uint b) {
  return uintBitsToFloat(b << 16);
}

uint float_to_bfloat(float x) {
  const uint bits = floatBitsToUint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return bits >> 16 | 0x40u;
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}
