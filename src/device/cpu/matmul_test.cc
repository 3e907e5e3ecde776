#include "device/cpu/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "device/cpu/layouts.h"
#include "support/matmul_case.h"

namespace troika::cpu {
namespace {

// The float steps of a kernel round once or twice a block and once a leaf; the integers are exact.
// Over 72 blocks in a chain that stays under 4e-6 of the root of the sum of squared products, which
// is what a wrong scale or a lost product exceeds by orders of magnitude.
constexpr double kTolerance = 4e-6;

/// Inputs quantised as a matrix wants them.
struct Inputs {
  Inputs(const MatmulKernels& kernels, Activations kind_in, int64_t columns_in,
         const std::vector<float>& x)
      : kind(kind_in),
        columns(columns_in),
        tokens(std::ssize(x) / columns_in),
        bytes(test_memory(activation_bytes(kind, columns, tokens))) {
    quantize_activations(kernels, kind, x.data(), columns, columns, tokens, 0, tokens,
                         bytes.data());
  }

  /// What input `k` of token `t` counts as.
  double value(int64_t t, int64_t k) const {
    const int64_t in_block = activation_block_columns(kind), b = k / in_block;
    const int64_t blocks = (columns + in_block - 1) / in_block;
    const int64_t first = t / kChunkTokens * kChunkTokens;
    const int64_t in_chunk = std::min<int64_t>(kChunkTokens, tokens - first);
    const std::byte* block =
        bytes.data() + (first * blocks + b * in_chunk + t - first) * activation_block_bytes(kind);
    if (kind == Activations::f32) return *reinterpret_cast<const float*>(block);
    const int64_t i = k % in_block;
    if (kind == Activations::block_32) {
      const auto* x = reinterpret_cast<const Block32*>(block);
      return static_cast<double>(x->d) * x->q[i];
    }
    if (kind == Activations::super_32) {
      const auto* x = reinterpret_cast<const Super32*>(block);
      return static_cast<double>(x->d) *
             x->q[i / 64 * 64 + i % 32 / 4 * 8 + i / 32 % 2 * 4 + i % 4];
    }
    const auto* x = reinterpret_cast<const Super16*>(block);
    return static_cast<double>(x->d) * x->q[i / 32 * 32 + i % 16 / 4 * 8 + i / 16 % 2 * 4 + i % 4];
  }

  Activations kind;
  int64_t columns;
  int64_t tokens;
  AlignedBytes bytes;
};

std::unique_ptr<PackedMatrix> packed(const WeightInfo& info) {
  auto matrix = pack_matrix(info);
  EXPECT_TRUE(matrix.ok()) << matrix.error().message();
  return std::move(*matrix);
}

/// All rows of all tokens, dense.
std::vector<float> product(const MatmulKernels& kernels, const PackedMatrix& matrix,
                           const Inputs& inputs, int64_t strip_cut = 0) {
  const AlignedBytes scratch = test_memory(matmul_scratch_bytes());
  std::vector<float> y(static_cast<size_t>(inputs.tokens * matrix.rows()), -1.0f);
  matmul(kernels, matrix, inputs.bytes.data(), inputs.tokens, y.data(), matrix.rows(), strip_cut,
         matrix.strips(), scratch.data());
  matmul(kernels, matrix, inputs.bytes.data(), inputs.tokens, y.data(), matrix.rows(), 0, strip_cut,
         scratch.data());
  return y;
}

void expect_near_float64(const RandomWeight& weight, const PackedMatrix& matrix,
                         const Inputs& inputs, const std::vector<float>& y) {
  std::vector<float> row(static_cast<size_t>(matrix.columns()));
  for (int64_t r = 0; r < matrix.rows(); r++) {
    unpack_row(matrix, r, row.data());
    for (int64_t t = 0; t < inputs.tokens; t++) {
      double sum = 0, squares = 0;
      for (int64_t k = 0; k < matrix.columns(); k++) {
        const double term = row[k] * inputs.value(t, k);
        sum += term;
        squares += term * term;
      }
      ASSERT_NEAR(y[t * matrix.rows() + r], sum, kTolerance * std::sqrt(squares))
          << dtype_info(weight.info.dtype).name << " row " << r << " of " << matrix.rows()
          << ", columns " << matrix.columns() << ", token " << t << " of " << inputs.tokens;
    }
  }
}

struct Shape {
  int64_t rows, columns, tokens, leaves;
};

/// Awkward shapes for a block length.
std::vector<Shape> shapes(int64_t block) {
  std::vector<Shape> list = {{1, 256, 1, 1},   {15, 512, 2, 2},  {16, 768, 3, 3},
                             {17, 1024, 4, 4}, {40, 1280, 5, 5}, {16, 1536, 6, 6},
                             {33, 1792, 7, 7}, {40, 2048, 8, 8}, {17, 2304, 33, 8}};
  if (block <= 32)
    list.insert(list.end(), {{16, 32, 9, 1}, {17, 96, 17, 3}, {40, 224, 32, 7}, {16, 352, 12, 8}});
  if (block == 1)
    list.insert(list.end(), {{16, 8, 8, 1}, {5, 24, 3, 8}, {40, 172, 11, 6}, {16, 1, 1, 1}});
  return list;
}

class EveryIsa : public ::testing::TestWithParam<Isa> {
 protected:
  const MatmulKernels kernels = matmul_kernels(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Matmul, EveryIsa, ::testing::ValuesIn(runnable_isas()),
                         [](const auto& param) { return std::string(isa_name(param.param)); });

TEST_P(EveryIsa, AgreesWithFloat64) {
  for (DType dtype : kPackedTypes) {
    const int64_t block = dtype_info(dtype).block;
    for (const Shape& shape : shapes(block)) {
      RandomWeight weight(dtype, shape.rows, shape.columns, 1);
      for (bool scattered : {false, true}) {
        // Contiguous leaves are made of equal units.
        if (!scattered && shape.columns % shape.leaves != 0) continue;
        weight.info.split = scattered ? scattered_split(shape.columns, block, shape.leaves)
                                      : split_contiguous(shape.columns, shape.leaves, block);
        const auto matrix = packed(weight.info);
        const Inputs inputs(kernels, activations_of(*matrix), shape.columns,
                            testing::random_floats(shape.columns * shape.tokens, 2));
        expect_near_float64(weight, *matrix, inputs, product(kernels, *matrix, inputs));
      }
    }
  }
}

TEST_P(EveryIsa, ValueDependsOnItsRowAndTokenAlone) {
  constexpr int64_t kTokens = 41;
  for (DType dtype : kPackedTypes) {
    const int64_t block = dtype_info(dtype).block, columns = 5 * std::max<int64_t>(block, 96);
    RandomWeight weight(dtype, 40, columns, 3);
    weight.info.split = scattered_split(columns, block, 3);
    const auto matrix = packed(weight.info);
    const Activations kind = activations_of(*matrix);
    const std::vector<float> x = testing::random_floats(columns * kTokens, 4);
    std::vector<float> alone;
    for (int64_t t = 0; t < kTokens; t++) {
      const std::vector<float> one(x.begin() + t * columns, x.begin() + (t + 1) * columns);
      const auto y = product(kernels, *matrix, Inputs(kernels, kind, columns, one));
      alone.insert(alone.end(), y.begin(), y.end());
    }
    for (int64_t tokens = 1; tokens <= kTokens; tokens++) {
      const std::vector<float> some(x.begin(), x.begin() + tokens * columns);
      const Inputs inputs(kernels, kind, columns, some);
      const int64_t cut = tokens % (matrix->strips() + 1);
      const auto y = product(kernels, *matrix, inputs, cut);
      ASSERT_EQ(std::memcmp(y.data(), alone.data(), y.size() * sizeof(float)), 0)
          << dtype_info(dtype).name << ", " << tokens << " tokens, strips cut at " << cut;
    }
  }
}

TEST_P(EveryIsa, LeavesAddAsTheDocumentedTree) {
  // One column a leaf, and numbers whose sum depends on the order.
  const std::vector<float> x = {1.0f, 1e8f, 3.0f, -1e8f, 5.5f, 1e7f, 0.3f, -7e6f};
  const std::vector<float> want = {
      x[0],
      x[0] + x[1],
      (x[0] + x[1]) + x[2],
      (x[0] + x[1]) + (x[2] + x[3]),
      ((x[0] + x[1]) + x[2]) + (x[3] + x[4]),
      ((x[0] + x[1]) + x[2]) + ((x[3] + x[4]) + x[5]),
      ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + x[6]),
      ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]))};
  for (int64_t leaves = 1; leaves <= 8; leaves++) {
    RandomWeight weight(DType::f32, 1, leaves, 0);
    for (int64_t k = 0; k < leaves; k++) {
      const float one = 1.0f;
      std::memcpy(&weight.data[k * 4], &one, 4);
    }
    weight.info.split = scattered_split(leaves, 1, leaves);
    const auto matrix = packed(weight.info);
    const Inputs inputs(kernels, Activations::f32, leaves, {x.begin(), x.begin() + leaves});
    EXPECT_EQ(product(kernels, *matrix, inputs)[0], want[leaves - 1]) << leaves;
  }
}

TEST_P(EveryIsa, WritesNothingBesideItsRows) {
  RandomWeight weight(DType::q8_0, 20, 64, 5);
  const auto matrix = packed(weight.info);
  const Inputs inputs(kernels, Activations::block_32, 64, testing::random_floats(64 * 3, 6));
  const AlignedBytes scratch = test_memory(matmul_scratch_bytes());
  std::vector<float> y(3 * 24, -1.0f);
  matmul(kernels, *matrix, inputs.bytes.data(), 3, y.data(), 24, 1, 2, scratch.data());
  for (int64_t t = 0; t < 3; t++)
    for (int64_t r = 0; r < 24; r++)
      EXPECT_EQ(y[t * 24 + r] == -1.0f, r < 16 || r >= 20) << t << " " << r;
}

/// Sets or clears the marks that make kernels use their wide path, in all blocks.
void mark_wide(Inputs& inputs, int32_t wide) {
  const int64_t bytes = activation_block_bytes(inputs.kind);
  for (int64_t at = 0; at < inputs.bytes.size(); at += bytes) {
    if (inputs.kind == Activations::super_32) {
      auto* x = reinterpret_cast<Super32*>(inputs.bytes.data() + at);
      x->wide_4 = x->wide_5 = wide;
    } else {
      reinterpret_cast<Super16*>(inputs.bytes.data() + at)->wide_6 = wide;
    }
  }
}

TEST_P(EveryIsa, WidePathGivesTheSameBits) {
  for (DType dtype : {DType::q4_k, DType::q5_k, DType::q6_k, DType::q3_k}) {
    RandomWeight weight(dtype, 32, 1024, 7);
    const auto matrix = packed(weight.info);
    Inputs inputs(kernels, activations_of(*matrix), 1024, testing::random_floats(1024 * 9, 8));
    mark_wide(inputs, 0);
    const auto narrow = product(kernels, *matrix, inputs);
    mark_wide(inputs, 1);
    EXPECT_EQ(product(kernels, *matrix, inputs), narrow) << dtype_info(dtype).name;
  }
}

TEST_P(EveryIsa, FullScaleInputsDoNotOverflow) {
  // All inputs at +-127 against all weights at their largest: the sums that 16 bits cannot hold.
  for (DType dtype : kPackedTypes) {
    if (dtype_info(dtype).block != 256) continue;
    for (std::byte fill : {std::byte{0xff}, std::byte{0x00}, std::byte{0x88}}) {
      RandomWeight weight(dtype, 16, 512, 9);
      std::fill(weight.data.begin(), weight.data.end(), fill);
      for (int64_t b = 0; b < 32; b++)
        for (int offset : testing::scale_offsets(dtype)) {
          const uint16_t half = 0x1c00;
          std::memcpy(&weight.data[b * dtype_info(dtype).bytes + offset], &half, 2);
        }
      const auto matrix = packed(weight.info);
      std::vector<float> x(512 * 3);
      for (size_t i = 0; i < x.size(); i++)
        x[i] = i < 512 ? 1.0f : i < 1024 ? -1.0f : i / 16 % 2 == 0 ? 1.0f : -1.0f;
      const Inputs inputs(kernels, activations_of(*matrix), 512, x);
      expect_near_float64(weight, *matrix, inputs, product(kernels, *matrix, inputs));
    }
  }
}

}  // namespace
}  // namespace troika::cpu
