// The probe of probe.h, AVX2: pairs of 8-bit products in 16 bits, pairs of those in 32, and a sum.
#include <immintrin.h>

#include "device/cpu/kernels/probe.h"

namespace troika::cpu {
namespace {

constexpr int kChains = 10;

uint64_t read(const std::byte* data, int64_t bytes) noexcept {
  __m256i sums[8] = {};
  for (int64_t at = 0; at < bytes; at += 256) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
      const auto* line = reinterpret_cast<const __m256i*>(data + at + 32 * i);
      sums[i] = _mm256_xor_si256(sums[i], _mm256_load_si256(line));
    }
  }
  for (int i = 1; i < 8; i++) sums[0] = _mm256_xor_si256(sums[0], sums[i]);
  alignas(32) uint64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sums[0]);
  return lanes[0] ^ lanes[1] ^ lanes[2] ^ lanes[3];
}

int64_t multiply_int8(int64_t rounds) noexcept {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i weights = _mm256_set1_epi32(0x01020304);  // change, or products would be the same again
  __m256i factors[kChains], sums[kChains];
  for (int i = 0; i < kChains; i++) {
    factors[i] = _mm256_set1_epi32(0x04030201 + i);
    sums[i] = _mm256_set1_epi32(i);
  }
  for (int64_t round = 0; round < rounds; round++) {
    weights = _mm256_add_epi32(weights, ones);
#pragma GCC unroll 10
    for (int i = 0; i < kChains; i++) {
      const __m256i pairs = _mm256_maddubs_epi16(weights, factors[i]);
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(pairs, ones));
    }
  }
  for (int i = 1; i < kChains; i++) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
  alignas(32) int32_t lanes[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sums[0]);
  return int64_t{lanes[0]} + lanes[7];
}

float multiply_f32(int64_t rounds) noexcept {
  const __m256 half = _mm256_set1_ps(0.5F);
  __m256 sums[kChains];
  for (int i = 0; i < kChains; i++) sums[i] = _mm256_set1_ps(static_cast<float>(i));
  for (int64_t round = 0; round < rounds; round++) {  // runs towards 1: never subnormal
#pragma GCC unroll 10
    for (int i = 0; i < kChains; i++) sums[i] = _mm256_fmadd_ps(sums[i], half, half);
  }
  for (int i = 1; i < kChains; i++) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  alignas(32) float lanes[8];
  _mm256_store_ps(lanes, sums[0]);
  return lanes[0] + lanes[7];
}

}  // namespace

ProbeKernels avx2_probe_kernels() {
  return {read, multiply_int8, kChains * 32 * 2, multiply_f32, kChains * 8 * 2};
}

}  // namespace troika::cpu
