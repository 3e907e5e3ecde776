// Sixteen floats at a time in AVX-512: what the bodies of the kernels (*_body.h) compute with.
// Everything is of this namespace and inlined, so that nothing leaks into files built without these
// instructions. Included by *_avx512.cc alone. What each does: lanes_portable.h.
#pragma once

// GCC 12 takes the undefined pass-through operand inside its own intrinsics for a mistake of ours.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#include <stdint.h>

#include "device/cpu/kernels/bf16.h"

namespace troika::cpu::avx512 {

struct Lanes {
  static constexpr int kCount = 16;
  static constexpr int kTileRows = 8;  // of a tile two vectors wide: 16 of the 32 registers
  __m512 v;

  static Lanes all(float x) { return {_mm512_set1_ps(x)}; }
  static Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Lanes load(const uint16_t* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Lanes load(const Bf16* p) {
    return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Lanes load(const int8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))};
  }
  static Lanes load_first(const float* p, int count) {
    return {_mm512_maskz_loadu_ps(mask(count), p)};
  }
  static Lanes load_first(const uint16_t* p, int count) {
    return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask(count), p))};
  }
  static Lanes load_first(const Bf16* p, int count) {
    return widen(_mm256_maskz_loadu_epi16(mask(count), p));
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store_first(float* p, int count) const { _mm512_mask_storeu_ps(p, mask(count), v); }
  void store_first(uint16_t* p, int count) const {
    _mm256_mask_storeu_epi16(p, mask(count), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  void store_first(Bf16* p, int count) const {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i up = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    // What is not a number keeps its upper half, made quiet: it must not be rounded up.
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    const __mmask16 is_number = _mm512_cmp_ps_mask(v, v, _CMP_ORD_Q);
    const __m512i rounded = _mm512_mask_mov_epi32(quiet, is_number, up);
    _mm256_mask_storeu_epi16(p, mask(count), _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
  }
  void store_first(int8_t* p, int count) const {
    _mm_mask_storeu_epi8(p, mask(count), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
  }

  Lanes operator+(Lanes b) const { return {_mm512_add_ps(v, b.v)}; }
  Lanes operator-(Lanes b) const { return {_mm512_sub_ps(v, b.v)}; }
  Lanes operator*(Lanes b) const { return {_mm512_mul_ps(v, b.v)}; }
  Lanes operator/(Lanes b) const { return {_mm512_div_ps(v, b.v)}; }
  static Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Lanes max(Lanes a, Lanes b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Lanes min(Lanes a, Lanes b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Lanes round(Lanes x) {
    return {_mm512_roundscale_ps(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  static Lanes scale(Lanes x, Lanes n) { return {_mm512_scalef_ps(x.v, n.v)}; }
  Lanes first(int count, Lanes other) const {
    return {_mm512_mask_mov_ps(other.v, mask(count), v)};
  }
  Lanes swap_pairs() const { return {_mm512_permute_ps(v, 0xb1)}; }
  float sum() const {
    const __m256 a = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
  }
  float largest() const {
    const __m256 a = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 c = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
  }
  static float root(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

 private:
  static Lanes widen(__m256i halves) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16))};
  }
  static __mmask16 mask(int count) { return static_cast<__mmask16>((1u << count) - 1); }
};

}  // namespace troika::cpu::avx512
