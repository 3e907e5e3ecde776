// Sixteen floats at a time in NEON, as four registers of four: what the bodies of the kernels
// (*_body.h) compute with. Everything is of this namespace and inlined, so that nothing leaks into
// files built without these instructions. Included by *_neon.cc, *_dotprod.cc and *_i8mm.cc alone.
// What each does: lanes_portable.h; steps and roundings are those of lanes_avx512.h.
#pragma once

#include <arm_neon.h>
#include <stdint.h>

#include "device/cpu/kernels/bf16.h"

namespace troika::cpu::neon {

struct Lanes {
  static constexpr int kCount = 16;
  static constexpr int kTileRows = 2;  // of a tile two vectors wide: 16 of the 32 registers
  float32x4_t v[4];

  static Lanes all(float x) {
    const float32x4_t y = vdupq_n_f32(x);
    return {{y, y, y, y}};
  }
  static Lanes load(const float* p) {
    return {{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
  }
  static Lanes load(const uint16_t* p) {
    return {{four_halves(p), four_halves(p + 4), four_halves(p + 8), four_halves(p + 12)}};
  }
  static Lanes load(const Bf16* p) {
    return {{four_bf16(p), four_bf16(p + 4), four_bf16(p + 8), four_bf16(p + 12)}};
  }
  static Lanes load(const int8_t* p) {
    const int8x16_t bytes = vld1q_s8(p);
    const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_high_s8(bytes);
    return {{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_high_s16(low)),
             vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_high_s16(high))}};
  }
  static Lanes load_first(const float* p, int count) { return load_part(p, count); }
  static Lanes load_first(const uint16_t* p, int count) { return load_part(p, count); }
  static Lanes load_first(const Bf16* p, int count) { return load_part(p, count); }
  void store(float* p) const {
    for (int i = 0; i < 4; i++) vst1q_f32(p + 4 * i, v[i]);
  }
  void store_first(float* p, int count) const { store_part(p, count); }
  void store_first(uint16_t* p, int count) const { store_part(p, count); }
  void store_first(Bf16* p, int count) const { store_part(p, count); }
  void store_first(int8_t* p, int count) const { store_part(p, count); }

  Lanes operator+(const Lanes& b) const {
    return zip(*this, b, [](float32x4_t x, float32x4_t y) { return vaddq_f32(x, y); });
  }
  Lanes operator-(const Lanes& b) const {
    return zip(*this, b, [](float32x4_t x, float32x4_t y) { return vsubq_f32(x, y); });
  }
  Lanes operator*(const Lanes& b) const {
    return zip(*this, b, [](float32x4_t x, float32x4_t y) { return vmulq_f32(x, y); });
  }
  Lanes operator/(const Lanes& b) const {
    return zip(*this, b, [](float32x4_t x, float32x4_t y) { return vdivq_f32(x, y); });
  }
  static Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
    Lanes y;
    for (int i = 0; i < 4; i++) y.v[i] = vfmaq_f32(c.v[i], a.v[i], b.v[i]);
    return y;
  }
  static Lanes max(const Lanes& a, const Lanes& b) { return zip(a, b, larger); }
  static Lanes min(const Lanes& a, const Lanes& b) {
    return zip(a, b, [](float32x4_t x, float32x4_t y) { return vbslq_f32(vcltq_f32(x, y), x, y); });
  }
  static Lanes round(const Lanes& x) {
    Lanes y;
    for (int i = 0; i < 4; i++) y.v[i] = vrndnq_f32(x.v[i]);
    return y;
  }
  static Lanes scale(const Lanes& x, const Lanes& n) { return zip(x, n, scale4); }
  Lanes first(int count, const Lanes& other) const {
    const int32x4_t order = {0, 1, 2, 3};
    Lanes y;
    for (int i = 0; i < 4; i++)
      y.v[i] = vbslq_f32(vcltq_s32(order, vdupq_n_s32(count - 4 * i)), v[i], other.v[i]);
    return y;
  }
  Lanes swap_pairs() const {
    Lanes y;
    for (int i = 0; i < 4; i++) y.v[i] = vrev64q_f32(v[i]);
    return y;
  }
  float sum() const {
    const float32x4_t a = vaddq_f32(vaddq_f32(v[0], v[2]), vaddq_f32(v[1], v[3]));
    const float32x2_t b = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(b, 0) + vget_lane_f32(b, 1);
  }
  float largest() const {
    const float32x4_t a = larger(larger(v[0], v[2]), larger(v[1], v[3]));
    const float32x2_t low = vget_low_f32(a), high = vget_high_f32(a);
    const float32x2_t b = vbsl_f32(vcgt_f32(low, high), low, high);
    const float x = vget_lane_f32(b, 0), y = vget_lane_f32(b, 1);
    return x > y ? x : y;
  }
  static float root(float x) { return vget_lane_f32(vsqrt_f32(vdup_n_f32(x)), 0); }

 private:
  template <class Function>
  static Lanes zip(const Lanes& a, const Lanes& b, Function function) {
    Lanes y;
    for (int i = 0; i < 4; i++) y.v[i] = function(a.v[i], b.v[i]);
    return y;
  }
  static float32x4_t four_halves(const uint16_t* p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
  }
  static float32x4_t four_bf16(const Bf16* p) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(&p->bits), 16));
  }
  /// The nearest bfloat16, as bits. What is not a number keeps its upper half, made quiet.
  static uint16x4_t round_bf16(float32x4_t x) {
    const uint32x4_t bits = vreinterpretq_u32_f32(x);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t up = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
    const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    return vshrn_n_u32(vbslq_u32(vceqq_f32(x, x), up, quiet), 16);
  }
  void store(Bf16* p) const {
    for (int i = 0; i < 4; i++) vst1_u16(&p[4 * i].bits, round_bf16(v[i]));
  }
  void store(int8_t* p) const {
    int16x4_t part[4];
    for (int i = 0; i < 4; i++) part[i] = vmovn_s32(vcvtnq_s32_f32(v[i]));
    const int8x8_t low = vmovn_s16(vcombine_s16(part[0], part[1]));
    vst1q_s8(p, vcombine_s8(low, vmovn_s16(vcombine_s16(part[2], part[3]))));
  }
  void store(uint16_t* p) const {
    for (int i = 0; i < 4; i++) vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(v[i])));
  }
  // There are no loads and stores under a mask: a part goes by way of the stack.
  template <class T>
  static Lanes load_part(const T* p, int count) {
    if (count == kCount) return load(p);
    T part[kCount] = {};
    for (int i = 0; i < count; i++) part[i] = p[i];
    return load(part);
  }
  template <class T>
  void store_part(T* p, int count) const {
    if (count == kCount) return store(p);
    T part[kCount];
    store(part);
    for (int i = 0; i < count; i++) p[i] = part[i];
  }
  /// a where a > b, else b: unlike FMAX, b where either is not a number.
  static float32x4_t larger(float32x4_t a, float32x4_t b) {
    return vbslq_f32(vcgtq_f32(a, b), a, b);
  }
  /// 2^n for n in -126 .. 127.
  static float32x4_t power(int32x4_t n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
  }
  static float32x4_t scale4(float32x4_t x, float32x4_t n) {
    // Two factors, because one float cannot hold 2^-150 or 2^128.
    const int32x4_t whole = vcvtnq_s32_f32(n), half = vshrq_n_s32(whole, 1);
    return vmulq_f32(vmulq_f32(x, power(half)), power(vsubq_s32(whole, half)));
  }
};

}  // namespace troika::cpu::neon
