// A random packed matrix and its activations, made without the packers: any bytes are weights.
#pragma once

#include <cstddef>
#include <vector>

#include "arm_kernels/suites.h"

namespace troika::arm_test {

/// What a case must know of a layout.
struct LayoutCase {
  cpu::Layout layout;
  const char* name;
  int64_t columns, head, bytes;  // of a block
  std::vector<int64_t> halves;   // where a block holds 16 scales of its rows; none are floats
  int64_t head_halves;           // 16 scales in the head: 0 or 1
  cpu::Activations activations;
  int64_t activation_bytes;  // of a block and token
};

const std::vector<LayoutCase>& layout_cases();

/// How scales, float weights and activations are chosen.
enum class Numbers : uint8_t {
  exact,      // products need no rounding: fused or not, sums are the same
  any,        // they round
  full_scale  // integers as large as they get, for sums that leave 16 bits
};

struct Shape {
  int64_t rows, blocks, tokens, leaves;
  bool scattered;  // leaves are dealt blocks in turn, three at a time
};

/// Everything that a call of a kernel reads.
class MatmulCase {
 public:
  MatmulCase(const LayoutCase& layout, const Shape& shape, Numbers numbers, uint64_t seed);

  /// y of all tokens: [tokens][rows + 3], where the last three of each must stay as they were.
  std::vector<float> run(const cpu::MatmulKernels& kernels) const;

  /// The same for token `t` alone: [rows + 3].
  std::vector<float> run_alone(const cpu::MatmulKernels& kernels, int64_t t) const;

 private:
  void make_strips(Numbers numbers, Random& random);
  void make_runs();
  void make_activations(Numbers numbers, Random& random);
  std::vector<float> run(const cpu::MatmulKernels& kernels, const std::byte* x,
                         int64_t tokens) const;

  const LayoutCase& layout_;
  Shape shape_;
  int64_t head_bytes_, strip_bytes_;
  std::vector<std::byte> strips_, x_;
  std::vector<cpu::BlockRun> runs_;
};

}  // namespace troika::arm_test
