// Every layout of every table against the portable kernels. With scales that are powers of two
// products are exact, so fused multiply-adds give the bits of products and sums that round apart:
// integers and the order of addition are compared bit by bit.
#include <cmath>

#include "arm_kernels/matmul_case.h"
#include "device/cpu/kernels/matmul_portable.h"

namespace troika::arm_test {

cpu::MatmulKernels portable_kernels() {
  using namespace cpu::portable;
  return {{matmul_f32, matmul_f16, matmul_bf16, matmul_u4_32, matmul_i8_32, matmul_u4_affine,
           matmul_u5_affine, matmul_i6_scaled, matmul_i3_scaled, matmul_i4_table},
          {quantize_f32, quantize_block_32, quantize_super_32, quantize_super_16}};
}

namespace {

std::string text(const Shape& shape) {
  return std::to_string(shape.rows) + " rows, " + std::to_string(shape.blocks) + " blocks, " +
         std::to_string(shape.tokens) + " tokens, " + std::to_string(shape.leaves) +
         (shape.scattered ? " scattered leaves" : " leaves");
}

/// Awkward shapes, with at least a block for each leaf; blocks of the float layouts are single
/// columns.
std::vector<Shape> shapes(const LayoutCase& layout) {
  std::vector<Shape> list = {{1, 1, 1, 1, false},   {15, 2, 2, 2, false},  {16, 9, 3, 3, true},
                             {17, 10, 4, 1, false}, {33, 17, 5, 5, true},  {40, 8, 6, 8, false},
                             {16, 7, 7, 7, false},  {17, 25, 8, 8, true},  {31, 3, 9, 1, false},
                             {48, 4, 17, 2, true},  {20, 24, 32, 8, false}};
  if (layout.columns == 1) list.push_back({19, 300, 9, 2, false});
  return list;
}

void test_exact(Case& test, const Table& table, const LayoutCase& layout, Numbers numbers) {
  uint64_t seed = 1;
  for (const Shape& shape : shapes(layout)) {
    const MatmulCase product(layout, shape, numbers, seed++);
    test.expect_same(product.run(table.kernels), product.run(portable_kernels()), text(shape));
  }
}

/// Scales that round: a token's bits do not depend on the others, and are those of every table.
void test_rounding(Case& test, const Table& table, const LayoutCase& layout,
                   const Table& first_table) {
  const int64_t blocks = layout.columns == 1 ? 300 : 10;
  for (int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 32}) {
    const Shape shape = {17, blocks, tokens, 2, true};
    const MatmulCase product(layout, shape, Numbers::any, 7);
    const std::vector<float> y = product.run(table.kernels),
                             plain = product.run(portable_kernels());
    test.expect_same(y, product.run(first_table.kernels), "table " + first_table.name);
    const int64_t stride = shape.rows + 3;
    for (int64_t t = 0; t < tokens; t++)
      test.expect_same({y.begin() + t * stride, y.begin() + (t + 1) * stride},
                       product.run_alone(table.kernels, t), "token alone, " + text(shape));
    float largest = 0, difference = 0;
    for (size_t i = 0; i < y.size(); i++) {
      largest = std::fmax(largest, std::fabs(plain[i]));
      difference = std::fmax(difference, std::fabs(plain[i] - y[i]));
    }
    // Roundings of fused and unfused steps differ by some units of the largest partial sum.
    test.expect(difference <= 2e-6f * largest, "far from portable, " + text(shape));
  }
}

}  // namespace

void test_matmul(Suite& suite, const std::vector<Table>& tables) {
  for (const Table& table : tables)
    for (const LayoutCase& layout : layout_cases()) {
      const std::string name = table.name + " " + layout.name;
      suite.run(name + " exact",
                [&](Case& test) { test_exact(test, table, layout, Numbers::exact); });
      suite.run(name + " full scale",
                [&](Case& test) { test_exact(test, table, layout, Numbers::full_scale); });
      suite.run(name + " rounding",
                [&](Case& test) { test_rounding(test, table, layout, tables.front()); });
    }
}

}  // namespace troika::arm_test
