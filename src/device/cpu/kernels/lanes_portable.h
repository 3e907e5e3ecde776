// Sixteen floats at a time in plain C++: what the bodies of the kernels (*_body.h) compute with
// where no instruction set of ours is there. One arithmetic with lanes_avx512.h, but that products
// and sums round apart (fma). Included by *_portable.cc alone.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/half.h"
#include "device/cpu/kernels/bf16.h"

namespace troika::cpu::portable {

struct Lanes {
  static constexpr int kCount = 16;
  /// Rows of a product's tile two vectors wide that registers hold beside what it reads.
  static constexpr int kTileRows = 1;
  float lane[kCount];

  static Lanes all(float x) {
    Lanes y;
    for (int i = 0; i < kCount; i++) y.lane[i] = x;
    return y;
  }
  static Lanes load(const float* p) {
    Lanes y;
    std::memcpy(y.lane, p, sizeof(y.lane));
    return y;
  }
  static Lanes load(const uint16_t* p) { return load_first(p, kCount); }
  static Lanes load(const Bf16* p) { return load_first(p, kCount); }
  static Lanes load(const int8_t* p) {
    Lanes y;
    for (int i = 0; i < kCount; i++) y.lane[i] = p[i];
    return y;
  }

  /// The first `count` lanes from memory (no more is read), zeros behind them.
  static Lanes load_first(const float* p, int count) {
    Lanes y = all(0);
    for (int i = 0; i < count; i++) y.lane[i] = p[i];
    return y;
  }
  static Lanes load_first(const uint16_t* p, int count) {
    Lanes y = all(0);
    for (int i = 0; i < count; i++) y.lane[i] = half(p[i]);
    return y;
  }
  static Lanes load_first(const Bf16* p, int count) {
    Lanes y = all(0);
    for (int i = 0; i < count; i++) {
      const uint32_t bits = static_cast<uint32_t>(p[i].bits) << 16;
      std::memcpy(&y.lane[i], &bits, sizeof(bits));
    }
    return y;
  }
  void store(float* p) const { std::memcpy(p, lane, sizeof(lane)); }
  void store_first(float* p, int count) const {
    for (int i = 0; i < count; i++) p[i] = lane[i];
  }

  void store_first(uint16_t* p, int count) const {
    for (int i = 0; i < count; i++) p[i] = f32_to_f16(lane[i]);
  }
  void store_first(Bf16* p, int count) const {
    for (int i = 0; i < count; i++) p[i].bits = f32_to_bf16(lane[i]);
  }
  /// Of lanes that are integers in -128 ... 127.
  void store_first(int8_t* p, int count) const {
    for (int i = 0; i < count; i++) p[i] = static_cast<int8_t>(lane[i]);
  }

  Lanes operator+(const Lanes& b) const {
    Lanes y;
    for (int i = 0; i < kCount; i++) y.lane[i] = lane[i] + b.lane[i];
    return y;
  }
  Lanes operator-(const Lanes& b) const {
    Lanes y;
    for (int i = 0; i < kCount; i++) y.lane[i] = lane[i] - b.lane[i];
    return y;
  }
  Lanes operator*(const Lanes& b) const {
    Lanes y;
    for (int i = 0; i < kCount; i++) y.lane[i] = lane[i] * b.lane[i];
    return y;
  }
  Lanes operator/(const Lanes& b) const {
    Lanes y;
    for (int i = 0; i < kCount; i++) y.lane[i] = lane[i] / b.lane[i];
    return y;
  }
  /// a * b + c; may round once or twice, always the same on one instruction set.
  static Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
    Lanes y;
    for (int i = 0; i < kCount; i++) y.lane[i] = a.lane[i] * b.lane[i] + c.lane[i];
    return y;
  }
  /// a where a > b, else b: b where either is not a number.
  static Lanes max(const Lanes& a, const Lanes& b) {
    Lanes y;
    for (int i = 0; i < kCount; i++) y.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
    return y;
  }
  static Lanes min(const Lanes& a, const Lanes& b) {
    Lanes y;
    for (int i = 0; i < kCount; i++) y.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i];
    return y;
  }
  /// The nearest integers, ties to even; |x| < 2^22.
  static Lanes round(const Lanes& x) {
    constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: its last bit is worth one
    Lanes y;
    for (int i = 0; i < kCount; i++) y.lane[i] = (x.lane[i] + kShift) - kShift;
    return y;
  }
  /// x * 2^n for integers n in -200 .. 200, rounded once for results that are normal.
  static Lanes scale(const Lanes& x, const Lanes& n) {
    Lanes y;
    for (int i = 0; i < kCount; i++) {
      // Two factors, because one float cannot hold 2^-150 or 2^128.
      const float shifted = n.lane[i] + 12582912.0F;
      uint32_t bits = 0;
      std::memcpy(&bits, &shifted, sizeof(bits));
      const int32_t whole = static_cast<int32_t>(bits & 0x7fffff) - 0x400000;
      const int32_t half_of_it = whole / 2;
      y.lane[i] = x.lane[i] * power(half_of_it) * power(whole - half_of_it);
    }
    return y;
  }
  /// Lanes 0 .. count - 1 of this, `other` behind them.
  Lanes first(int count, const Lanes& other) const {
    Lanes y = other;
    for (int i = 0; i < count; i++) y.lane[i] = lane[i];
    return y;
  }
  /// Neighbours change places: 1, 0, 3, 2 ...
  Lanes swap_pairs() const {
    Lanes y;
    for (int i = 0; i < kCount; i++) y.lane[i] = lane[i ^ 1];
    return y;
  }
  /// The sum of all lanes: halves are added until one is left.
  float sum() const {
    Lanes y = *this;
    for (int n = kCount / 2; n > 0; n /= 2)
      for (int i = 0; i < n; i++) y.lane[i] = y.lane[i] + y.lane[i + n];
    return y.lane[0];
  }
  float largest() const {
    Lanes y = *this;
    for (int n = kCount / 2; n > 0; n /= 2)
      for (int i = 0; i < n; i++) y.lane[i] = y.lane[i] > y.lane[i + n] ? y.lane[i] : y.lane[i + n];
    return y.lane[0];
  }
  static float root(float x) { return std::sqrt(x); }

 private:
  static float power(int32_t n) {
    const uint32_t bits = static_cast<uint32_t>(n + 127) << 23;
    float y = 0;
    std::memcpy(&y, &bits, sizeof(y));
    return y;
  }
  /// A half, exactly: its bits as those of a float that is 2^112 too small.
  static float half(uint16_t h) {
    const uint32_t magnitude = static_cast<uint32_t>(h & 0x7fff) << 13;
    float y = 0;
    std::memcpy(&y, &magnitude, sizeof(y));
    y *= 0x1p112F;
    uint32_t bits = 0;
    std::memcpy(&bits, &y, sizeof(bits));
    if (magnitude >= 0x0f800000) bits = magnitude | 0x7f800000;  // infinity, not a number
    bits |= static_cast<uint32_t>(h & 0x8000) << 16;
    std::memcpy(&y, &bits, sizeof(y));
    return y;
  }
};

}  // namespace troika::cpu::portable
