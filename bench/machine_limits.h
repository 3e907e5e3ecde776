// What one thread of this machine can do, measured: floors to put beside the figures of kernels.
// Times are processor times, as Google Benchmark's rates are.
#pragma once

#include <benchmark/benchmark.h>
#include <immintrin.h>

#include <ctime>
#include <vector>

#include "core/cpu_features.h"

namespace troika {

inline double seconds_since(std::clock_t start) {
  const auto ticks = static_cast<double>(std::clock() - start);
  return (ticks > 0 ? ticks : 1) / CLOCKS_PER_SEC;
}

/// Bytes a second of a plain read of `bytes` bytes.
inline double read_rate(const void* data, int64_t bytes) {
  const auto* words = static_cast<const uint64_t*>(data);
  const std::clock_t start = std::clock();
  uint64_t sums[8] = {};
  for (int64_t i = 0; i + 8 <= bytes / 8; i += 8)
    for (int64_t j = 0; j < 8; j++) sums[j] += words[i + j];
  for (uint64_t sum : sums) benchmark::DoNotOptimize(sum);
  return static_cast<double>(bytes) / seconds_since(start);
}

/// Runs 12 independent chains of fused multiply-adds, `turns` long, in the widest vectors.
__attribute__((target("avx512f"))) inline void multiply_add_avx512(int64_t turns) {
  constexpr int kChains = 12;
  __m512 sums[kChains];
  for (int j = 0; j < kChains; j++) sums[j] = _mm512_set1_ps(static_cast<float>(j));
  const __m512 factor = _mm512_set1_ps(0.5F);
  for (int64_t i = 0; i < turns; i++) {
#pragma GCC unroll 12
    for (int j = 0; j < kChains; j++) sums[j] = _mm512_fmadd_ps(sums[j], factor, factor);
  }
  __m512 total = sums[0];
#pragma GCC unroll 12
  for (int j = 1; j < kChains; j++) total = _mm512_add_ps(total, sums[j]);
  benchmark::DoNotOptimize(total);
}

/// Multiply-adds of float32 a second; 0 where this machine has no AVX-512.
inline double multiply_add_rate() {
  if (!detect_cpu_features().avx512) return 0;
  constexpr int64_t kTurns = 2'000'000;
  const std::clock_t start = std::clock();
  multiply_add_avx512(kTurns);
  return static_cast<double>(kTurns) * 12 * 16 / seconds_since(start);
}

}  // namespace troika
