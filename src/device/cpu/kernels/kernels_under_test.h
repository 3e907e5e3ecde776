// For tests: every kernel table that this machine can run, and numbers from a seed.
#pragma once

#include <random>
#include <vector>

#include "device/cpu/kernel_table.h"

namespace troika::cpu {

inline std::vector<KernelTable> kernels_under_test() {
  std::vector<KernelTable> tables;
  for (Isa isa : kIsas)
    if (detect_cpu_features().has(isa)) tables.push_back(kernel_table(isa));
  return tables;
}

/// `count` normal numbers.
inline std::vector<float> normal_floats(int64_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

}  // namespace troika::cpu
