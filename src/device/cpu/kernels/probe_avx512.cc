// The probe of probe.h, AVX-512 VNNI. Twelve chains hide a latency of five cycles on two ports.
#include <immintrin.h>

#include "device/cpu/kernels/probe.h"

namespace troika::cpu {
namespace {

constexpr int kChains = 12;

uint64_t read(const std::byte* data, int64_t bytes) noexcept {
  __m512i sums[4] = {};
  for (int64_t at = 0; at < bytes; at += 256) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
      sums[i] = _mm512_xor_si512(sums[i], _mm512_load_si512(data + at + 64 * i));
  }
  const __m512i sum =
      _mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]), _mm512_xor_si512(sums[2], sums[3]));
  alignas(64) uint64_t lanes[8];
  _mm512_store_si512(lanes, sum);
  return lanes[0] ^ lanes[1] ^ lanes[2] ^ lanes[3] ^ lanes[4] ^ lanes[5] ^ lanes[6] ^ lanes[7];
}

int64_t multiply_int8(int64_t rounds) noexcept {
  const __m512i a = _mm512_set1_epi32(0x01020304);
  const __m512i b = _mm512_set1_epi32(0x04030201);
  __m512i sums[kChains];
  for (int i = 0; i < kChains; i++) sums[i] = _mm512_set1_epi32(i);
  for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; i++) sums[i] = _mm512_dpbusd_epi32(sums[i], a, b);
  }
  __m512i sum = sums[0];
  for (int i = 1; i < kChains; i++) sum = _mm512_add_epi32(sum, sums[i]);
  alignas(64) int32_t lanes[16];
  _mm512_store_si512(lanes, sum);
  return int64_t{lanes[0]} + lanes[15];
}

float multiply_f32(int64_t rounds) noexcept {
  const __m512 half = _mm512_set1_ps(0.5F);
  __m512 sums[kChains];
  for (int i = 0; i < kChains; i++) sums[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int64_t round = 0; round < rounds; round++) {  // runs towards 1: never subnormal
#pragma GCC unroll 12
    for (int i = 0; i < kChains; i++) sums[i] = _mm512_fmadd_ps(sums[i], half, half);
  }
  __m512 sum = sums[0];
  for (int i = 1; i < kChains; i++) sum = _mm512_add_ps(sum, sums[i]);
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, sum);
  return lanes[0] + lanes[15];
}

}  // namespace

ProbeKernels avx512_probe_kernels() {
  return {read, multiply_int8, kChains * 64 * 2, multiply_f32, kChains * 16 * 2};
}

}  // namespace troika::cpu
