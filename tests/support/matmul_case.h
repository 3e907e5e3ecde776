// What the tests and benchmarks of packed matrices share: a random weight with a split.
#pragma once

#include <utility>
#include <vector>

#include "core/check.h"
#include "device/cpu/matmul.h"
#include "graph/split.h"
#include "graph/weight.h"
#include "support/random_blocks.h"

namespace troika::cpu {

/// The types that have a layout.
inline constexpr DType kPackedTypes[] = {DType::f32,  DType::f16,   DType::bf16, DType::q4_0,
                                         DType::q8_0, DType::q4_k,  DType::q5_k, DType::q6_k,
                                         DType::q3_k, DType::iq4_xs};

/// A random weight [rows, columns]; owns its bytes.
struct RandomWeight {
  std::vector<std::byte> data;
  WeightInfo info;

  RandomWeight(DType dtype, int64_t rows, int64_t columns, uint32_t seed)
      : data(testing::random_blocks(dtype, rows * columns, seed)) {
    info.name = "blk.0.test.weight";
    info.dtype = dtype;
    info.weight = {.id = 0, .units = rows, .width = 1, .inputs = columns};
    info.data = data;
    info.split = split_whole(columns);
  }
};

/// `leaves` leaves whose blocks are dealt out in turn: leaf 0 gets blocks 0, leaves, 2 leaves ...
inline Split scattered_split(int64_t columns, int64_t block, int64_t leaves) {
  Split split;
  split.leaves.resize(static_cast<size_t>(leaves));
  for (int64_t b = 0; b < columns / block; b++)
    split.leaves[static_cast<size_t>(b % leaves)].push_back({b * block, (b + 1) * block});
  return split;
}

/// 64-byte aligned memory for activations, scratch and results.
inline AlignedBytes test_memory(int64_t bytes) {
  auto memory = AlignedBytes::allocate(bytes);
  TROIKA_CHECK(memory.ok());
  return std::move(*memory);
}

/// The instruction sets that this machine can run.
inline std::vector<Isa> runnable_isas() {
  std::vector<Isa> isas;
  for (Isa isa : kIsas)
    if (detect_cpu_features().has(isa)) isas.push_back(isa);
  return isas;
}

}  // namespace troika::cpu
