// Sixteen floats at a time in AVX2, as two registers of eight: what the bodies of the kernels
// (*_body.h) compute with. Everything is of this namespace and inlined, so that nothing leaks into
// files built without these instructions. Included by *_avx2.cc alone. What each does:
// lanes_portable.h; steps and roundings are those of lanes_avx512.h.
#pragma once

#include <immintrin.h>
#include <stdint.h>

#include "device/cpu/kernels/bf16.h"

namespace troika::cpu::avx2 {

struct Lanes {
  static constexpr int kCount = 16;
  static constexpr int kTileRows = 2;  // of a tile two vectors wide: 8 of the 16 registers
  __m256 lo, hi;

  static Lanes all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Lanes load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static Lanes load(const uint16_t* p) { return {eight_halves(p), eight_halves(p + 8)}; }
  static Lanes load(const Bf16* p) { return {eight_bf16(p), eight_bf16(p + 8)}; }
  static Lanes load(const int8_t* p) { return {eight_bytes(p), eight_bytes(p + 8)}; }
  // Whole vectors take the plain way: masked stores are slow on some processors.
  static Lanes load_first(const float* p, int count) {
    if (count == kCount) return load(p);
    return {_mm256_maskload_ps(p, mask(count)), _mm256_maskload_ps(p + 8, mask(count - 8))};
  }
  static Lanes load_first(const uint16_t* p, int count) {
    if (count == kCount) return load(p);
    uint16_t part[kCount] = {};
    for (int i = 0; i < count; i++) part[i] = p[i];
    return load(part);
  }
  static Lanes load_first(const Bf16* p, int count) {
    if (count == kCount) return load(p);
    Bf16 part[kCount] = {};
    for (int i = 0; i < count; i++) part[i] = p[i];
    return load(part);
  }
  void store(float* p) const {
    _mm256_storeu_ps(p, lo);
    _mm256_storeu_ps(p + 8, hi);
  }
  void store_first(float* p, int count) const {
    if (count == kCount) return store(p);
    _mm256_maskstore_ps(p, mask(count), lo);
    _mm256_maskstore_ps(p + 8, mask(count - 8), hi);
  }
  void store_first(uint16_t* p, int count) const {
    uint16_t part[kCount];
    uint16_t* to = count == kCount ? p : part;
    store_halves(to, lo);
    store_halves(to + 8, hi);
    if (to == p) return;
    for (int i = 0; i < count; i++) p[i] = part[i];
  }
  void store_first(Bf16* p, int count) const {
    uint32_t bits[kCount];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bits), round_bf16(lo));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bits + 8), round_bf16(hi));
    for (int i = 0; i < count; i++) p[i].bits = static_cast<uint16_t>(bits[i] >> 16);
  }
  void store_first(int8_t* p, int count) const {
    int32_t numbers[kCount];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(numbers), _mm256_cvtps_epi32(lo));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(numbers + 8), _mm256_cvtps_epi32(hi));
    for (int i = 0; i < count; i++) p[i] = static_cast<int8_t>(numbers[i]);
  }

  Lanes operator+(Lanes b) const { return {_mm256_add_ps(lo, b.lo), _mm256_add_ps(hi, b.hi)}; }
  Lanes operator-(Lanes b) const { return {_mm256_sub_ps(lo, b.lo), _mm256_sub_ps(hi, b.hi)}; }
  Lanes operator*(Lanes b) const { return {_mm256_mul_ps(lo, b.lo), _mm256_mul_ps(hi, b.hi)}; }
  Lanes operator/(Lanes b) const { return {_mm256_div_ps(lo, b.lo), _mm256_div_ps(hi, b.hi)}; }
  static Lanes fma(Lanes a, Lanes b, Lanes c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
  }
  static Lanes max(Lanes a, Lanes b) {
    return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
  }
  static Lanes min(Lanes a, Lanes b) {
    return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
  }
  static Lanes round(Lanes x) { return {round8(x.lo), round8(x.hi)}; }
  static Lanes scale(Lanes x, Lanes n) { return {scale8(x.lo, n.lo), scale8(x.hi, n.hi)}; }
  Lanes first(int count, Lanes other) const {
    return {_mm256_blendv_ps(other.lo, lo, _mm256_castsi256_ps(mask(count))),
            _mm256_blendv_ps(other.hi, hi, _mm256_castsi256_ps(mask(count - 8)))};
  }
  Lanes swap_pairs() const { return {_mm256_permute_ps(lo, 0xb1), _mm256_permute_ps(hi, 0xb1)}; }
  float sum() const {
    const __m256 a = _mm256_add_ps(lo, hi);
    const __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
  }
  float largest() const {
    const __m256 a = _mm256_max_ps(lo, hi);
    const __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 c = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
  }
  static float root(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

 private:
  /// All bits in the first `count` lanes of eight; any number is good.
  static __m256i mask(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static __m256 eight_halves(const uint16_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static __m256 eight_bf16(const Bf16* p) {
    const __m128i upper = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(upper), 16));
  }
  static __m256 eight_bytes(const int8_t* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
  }
  /// Bits whose upper halves are the nearest bfloat16. What is not a number keeps its upper half,
  /// made quiet.
  static __m256i round_bf16(__m256 x) {
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i up = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    const __m256 quiet = _mm256_castsi256_ps(_mm256_or_si256(bits, _mm256_set1_epi32(0x400000)));
    const __m256 is_number = _mm256_cmp_ps(x, x, _CMP_ORD_Q);
    return _mm256_castps_si256(_mm256_blendv_ps(quiet, _mm256_castsi256_ps(up), is_number));
  }
  static void store_halves(uint16_t* p, __m256 x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
  }
  static __m256 round8(__m256 x) {
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  /// 2^n for n in -126 .. 127.
  static __m256 power(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
  static __m256 scale8(__m256 x, __m256 n) {
    // Two factors, because one float cannot hold 2^-150 or 2^128.
    const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
    return _mm256_mul_ps(_mm256_mul_ps(x, power(half)), power(_mm256_sub_epi32(whole, half)));
  }
};

}  // namespace troika::cpu::avx2
