// exp and what is made of it, for any lanes; the same steps on every instruction set and in every
// lane. Included by *_portable.cc and *_avx512.cc alone, whose Lanes are types of their own.
//
// exp: x = n ln 2 + r with |r| <= ln(2) / 2, e^r by its Taylor series to r^7 (the rest is under
// 6e-9), times 2^n. Error: at most 2 units in the last place; subnormal results are kept.
#pragma once

namespace troika::cpu {

template <class V>
inline V exp_of(V x) {
  // Arguments come second so that what is not a number stays so.
  x = V::min(V::all(89.0F), V::max(V::all(-104.0F), x));
  const V n = V::round(x * V::all(1.44269504F));
  // ln 2 in two parts; the first has so few bits that its product with n is exact.
  V r = V::fma(n, V::all(-0.693145751953125F), x);
  r = V::fma(n, V::all(-1.42860677e-6F), r);
  V p = V::all(1.98412698e-4F);
  p = V::fma(p, r, V::all(1.38888889e-3F));
  p = V::fma(p, r, V::all(8.33333333e-3F));
  p = V::fma(p, r, V::all(4.16666667e-2F));
  p = V::fma(p, r, V::all(1.66666667e-1F));
  p = V::fma(p, r, V::all(0.5F));
  p = V::fma(p, r, V::all(1.0F));
  p = V::fma(p, r, V::all(1.0F));
  return V::scale(p, n);
}

/// 1 / (1 + e^-x)
template <class V>
inline V sigmoid_of(V x) {
  return V::all(1.0F) / (V::all(1.0F) + exp_of<V>(V::all(0.0F) - x));
}

/// x / (1 + e^-x)
template <class V>
inline V silu_of(V x) {
  return x / (V::all(1.0F) + exp_of<V>(V::all(0.0F) - x));
}

/// ln(1 + e^x) = max(x, 0) + ln(1 + u), u = e^-|x|; ln(1 + u) = 2 atanh(s), s = u / (2 + u) <= 1/3,
/// by its series to s^15 (the rest is under 2e-9).
template <class V>
inline V softplus_of(V x) {
  const V zero = V::all(0.0F);
  const V u = exp_of<V>(V::min(zero - x, x));
  const V s = u / (V::all(2.0F) + u);
  const V s2 = s * s;
  V p = V::all(1.0F / 15);
  p = V::fma(p, s2, V::all(1.0F / 13));
  p = V::fma(p, s2, V::all(1.0F / 11));
  p = V::fma(p, s2, V::all(1.0F / 9));
  p = V::fma(p, s2, V::all(1.0F / 7));
  p = V::fma(p, s2, V::all(1.0F / 5));
  p = V::fma(p, s2, V::all(1.0F / 3));
  p = V::fma(p, s2, V::all(1.0F));
  return V::max(zero, x) + (s + s) * p;
}

}  // namespace troika::cpu
