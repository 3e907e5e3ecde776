// The probe of probe.h in plain C++, for the compiler's baseline.
#include "device/cpu/kernels/probe.h"

namespace troika::cpu {
namespace {

// Vectors of 16 bytes, which every 64-bit processor has. Eight chains fit sixteen registers.
using Shorts = uint16_t __attribute__((vector_size(16)));  // unsigned: the sums wrap
using Floats = float __attribute__((vector_size(16)));
constexpr int kChains = 8;

uint64_t read(const std::byte* data, int64_t bytes) noexcept {
  const auto* words = reinterpret_cast<const uint64_t*>(data);
  uint64_t sums[8] = {};
  for (int64_t at = 0; at < bytes / 8; at += 8)
    for (int i = 0; i < 8; i++) sums[i] ^= words[at + i];
  uint64_t sum = 0;
  for (const uint64_t part : sums) sum ^= part;
  return sum;
}

int64_t multiply_int8(int64_t rounds) noexcept {  // in 16 bits: there is no narrower product
  const Shorts factor = {3, 5, 7, 9, 11, 13, 15, 17};
  Shorts sums[kChains];
  for (int i = 0; i < kChains; i++) sums[i] = factor * static_cast<uint16_t>(i);
  for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 8
    for (Shorts& sum : sums) sum = sum * factor + factor;
  }
  for (int i = 1; i < kChains; i++) sums[0] += sums[i];
  return int64_t{sums[0][0]} + sums[0][7];
}

float multiply_f32(int64_t rounds) noexcept {
  const Floats half = {0.5F, 0.5F, 0.5F, 0.5F};
  Floats sums[kChains];
  for (int i = 0; i < kChains; i++) sums[i] = half * static_cast<float>(i);
  for (int64_t round = 0; round < rounds; round++) {  // runs towards 1: never subnormal
#pragma GCC unroll 8
    for (Floats& sum : sums) sum = sum * half + half;
  }
  for (int i = 1; i < kChains; i++) sums[0] += sums[i];
  return sums[0][0] + sums[0][3];
}

}  // namespace

ProbeKernels portable_probe_kernels() {
  return {read, multiply_int8, kChains * 8 * 2, multiply_f32, kChains * 4 * 2};
}

}  // namespace troika::cpu
