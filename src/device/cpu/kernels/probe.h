// The contract of the probe kernels: loops that do nothing but read, or multiply, as fast as one
// core can with one instruction set. What they reach is the limit that real work is held against.
#pragma once

#include <cstddef>
#include <cstdint>

namespace troika::cpu {

/// The results are of no use but keep the work from being dropped.
struct ProbeKernels {
  /// Reads `bytes`, a multiple of 256, from an address that is one of 64.
  uint64_t (*read)(const std::byte* data, int64_t bytes) noexcept;
  /// `rounds` times some independent chains of products of 8-bit integers, added in 32 bits.
  int64_t (*multiply_int8)(int64_t rounds) noexcept;
  int64_t int8_operations;  // of a round: a multiplication and an addition count as two
  /// The same in f32, fused where the set has it.
  float (*multiply_f32)(int64_t rounds) noexcept;
  int64_t f32_operations;  // of a round
};

ProbeKernels portable_probe_kernels();
ProbeKernels avx2_probe_kernels();
ProbeKernels avx512_probe_kernels();

}  // namespace troika::cpu
