// Cases of matmul and embed: every type that decodes, rows and inputs that fill no strip and no
// block, one token to many, and every kind of split.
#pragma once

#include <cmath>
#include <random>

#include "quant/decode.h"
#include "support/ops_case.h"

namespace troika::testing {

/// Every type that a weight matrix may have.
inline std::vector<DType> matrix_types() {
  std::vector<DType> types;
  for (size_t i = 0; i < dtypes().size(); i++)
    if (dtypes()[i].decodes) types.push_back(static_cast<DType>(i));
  return types;
}

/// Random weights as random_blocks() makes them; blocks that decode to huge values or none at all
/// (formats whose scales it does not know) are drawn again.
inline std::vector<std::byte> ordinary_blocks(DType dtype, int64_t elements, uint32_t seed) {
  constexpr float kLargest = 64;
  std::vector<std::byte> data = random_blocks(dtype, elements, seed);
  const DTypeInfo& type = dtype_info(dtype);
  std::mt19937 random(seed);
  std::vector<float> values(static_cast<size_t>(type.block));
  for (int64_t b = 0; b < elements / type.block; b++) {
    std::byte* const block = data.data() + b * type.bytes;
    const auto is_ordinary = [&] {
      decode_row(dtype, block, values.data(), type.block);
      return std::ranges::all_of(values, [](float x) { return std::abs(x) <= kLargest; });
    };
    while (!is_ordinary())
      for (int64_t i = 0; i < type.bytes; i++) block[i] = static_cast<std::byte>(random() & 255);
  }
  return data;
}

struct MatmulShape {
  DType dtype = DType::f32;
  int64_t rows = 0;
  int64_t inputs = 0;
  int64_t tokens = 0;
  Split split;
  uint32_t seed = 0;
};

/// The rows of x; one of several is zero, one is large.
inline std::vector<float> matmul_inputs(const MatmulShape& s) {
  std::vector<float> x = random_floats(s.tokens * s.inputs, s.seed + 1);
  for (int64_t k = 0; s.tokens > 2 && k < s.inputs; k++) {
    x[static_cast<size_t>(s.inputs + k)] *= 1000;
    x[static_cast<size_t>(2 * s.inputs + k)] = 0;
  }
  return x;
}

inline std::vector<double> row_norms(const std::vector<float>& values, int64_t columns) {
  std::vector<double> norms(values.size() / static_cast<size_t>(columns));
  for (size_t i = 0; i < values.size(); i++)
    norms[i / static_cast<size_t>(columns)] += static_cast<double>(values[i]) * values[i];
  for (double& norm : norms) norm = std::sqrt(norm);
  return norms;
}

/// |w| |x| / sqrt(K): the size of a product of random signs, and 1 / sqrt(K) of a bound on its sum
/// of magnitudes (Cauchy-Schwarz).
inline std::vector<double> matmul_scales(const MatmulShape& s) {
  const auto data = ordinary_blocks(s.dtype, s.rows * s.inputs, s.seed);
  std::vector<float> w(static_cast<size_t>(s.rows * s.inputs));
  decode_row(s.dtype, data.data(), w.data(), s.rows * s.inputs);
  const auto w_norms = row_norms(w, s.inputs);
  const auto x_norms = row_norms(matmul_inputs(s), s.inputs);
  std::vector<double> scales;
  for (const double x : x_norms)
    for (const double v : w_norms) scales.push_back(v * x / std::sqrt(s.inputs));
  return scales;
}

inline OpCase matmul_case(const MatmulShape& s) {
  OpCase c;
  c.name = fmt::format("matmul {} [{}, {}] tokens {} leaves {}", dtype_info(s.dtype).name, s.rows,
                       s.inputs, s.tokens, s.split.leaves.size());
  c.build = [s](OpRig& rig) {
    const Tensor x = rig.input(matmul_inputs(s), Axis::hidden, 1, s.inputs);
    const Weight w = rig.weight({-1, Axis::hidden, 1, s.rows, s.inputs}, WeightUse::matmul, s.dtype,
                                ordinary_blocks(s.dtype, s.rows * s.inputs, s.seed), s.split);
    finish(rig, rig.graph.matmul(w, x));
  };
  c.steps = {plain_step(s.tokens)};
  // Each of K sums rounds; the roundings wander like a random walk. Four deviations and more.
  c.tolerance = 4 * kRoundoff * std::sqrt(s.inputs);
  c.scales = [s] { return matmul_scales(s); };
  c.eight_bits = dtype_info(s.dtype).block > 1;
  return c;
}

/// The rows of `blocks` alone. With `argmax`, the row that the largest product stands for.
inline OpCase matmul_blocks_case(const MatmulShape& s, const std::vector<int32_t>& blocks,
                                 bool argmax) {
  OpCase c = matmul_case(s);
  c.name = fmt::format("{}, {} blocks{}", c.name, blocks.size(), argmax ? ", argmax" : "");
  c.build = [=](OpRig& rig) {
    const Tensor x = rig.input(matmul_inputs(s), Axis::hidden, 1, s.inputs);
    const Weight w = rig.weight({-1, Axis::vocab, s.rows, 1, s.inputs}, WeightUse::matmul, s.dtype,
                                ordinary_blocks(s.dtype, s.rows * s.inputs, s.seed), s.split);
    const auto count = std::ssize(blocks);
    const Tensor y = rig.graph.gather_rows(rig.graph.matmul_blocks(w, x, count));
    if (argmax)
      rig.graph.output(Output::argmax, rig.graph.block_row(rig.graph.argmax(y), count));
    else
      finish(rig, y);
  };
  c.steps[0].row_blocks = blocks;
  c.scales = [=] {
    const std::vector<double> all = matmul_scales(s);
    std::vector<double> scales;
    for (int64_t t = 0; t < s.tokens; t++)
      for (const int32_t block : blocks)
        for (int64_t j = 0; j < kBlockRows; j++)
          scales.push_back(all[static_cast<size_t>(t * s.rows + block * kBlockRows + j)]);
    return scales;
  };
  if (argmax) {
    c.scales = nullptr;
    c.tolerance = 0;
    c.eight_bits = false;
  }
  return c;
}

/// Ways to divide `blocks` blocks of a type among leaves.
inline std::vector<Split> splits_of(int64_t columns, int64_t block) {
  return {split_whole(columns), split_contiguous(columns, columns / block, block),
          split_contiguous(columns, 6, block), split_tiled_heads(3, 6, columns / 6, block)};
}

inline std::vector<OpCase> matmul_cases() {
  constexpr int64_t kTokens[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 33, 64, 65};
  constexpr int64_t kManyTokens[] = {127, 128, 129, 300, 2048};
  constexpr int64_t kRows[] = {16, 1, 15, 17, 33, 100, 31};
  constexpr int64_t kBlocks[] = {1, 3, 5, 2, 9};
  constexpr int64_t kColumns[] = {1, 7, 31, 33, 100, 257, 64};  // of types without blocks
  std::vector<OpCase> cases;
  uint32_t seed = 1;
  for (const DType dtype : matrix_types()) {
    const int64_t block = dtype_info(dtype).block;
    for (const int64_t tokens : kTokens) {
      const int64_t rows = kRows[seed % std::size(kRows)];
      const int64_t inputs = block == 1 ? kColumns[seed % std::size(kColumns)]
                                        : block * kBlocks[seed % std::size(kBlocks)];
      cases.push_back(matmul_case({dtype, rows, inputs, tokens, {}, seed++}));
    }
    for (const int64_t tokens : kManyTokens)
      cases.push_back(matmul_case({dtype, 35, 256, tokens, {}, seed++}));
    const int64_t unit = block == 1 ? 10 : block;
    for (const int64_t units : {6, 12, 18})
      for (const Split& split : splits_of(units * unit, block))
        cases.push_back(matmul_case({dtype, 20, units * unit, 3, split, seed++}));
    cases.push_back(matmul_case({dtype, 24, 8192, 2, {}, seed++}));
  }
  return cases;
}

inline std::vector<OpCase> matmul_blocks_cases() {
  std::vector<OpCase> cases;
  uint32_t seed = 9000;
  for (const DType dtype : matrix_types())
    for (const int64_t tokens : {1, 5, 33}) {
      const int64_t inputs = dtype_info(dtype).block == 1 ? 100 : 3 * dtype_info(dtype).block;
      for (const std::vector<int32_t>& blocks :
           {std::vector<int32_t>{0}, {6}, {1, 2, 5}, {0, 1, 2, 3, 4, 5, 6}})
        cases.push_back(
            matmul_blocks_case({dtype, 7 * kBlockRows, inputs, tokens, {}, seed++}, blocks, false));
    }
  for (const std::vector<int32_t>& blocks : {std::vector<int32_t>{3}, {0, 4, 5, 99}, iota(100)})
    cases.push_back(
        matmul_blocks_case({DType::f32, 100 * kBlockRows, 64, 9, {}, seed++}, blocks, true));
  return cases;
}

/// Rows of a table of every type, exactly as they decode; alone, and tied to a matmul.
inline std::vector<OpCase> embed_cases() {
  std::vector<OpCase> cases;
  uint32_t seed = 5000;
  for (const DType dtype : matrix_types())
    for (const bool tied : {false, true})
      for (const int64_t rows : {1, 16, 37}) {
        const int64_t width = dtype_info(dtype).block == 1 ? 33 : dtype_info(dtype).block * 3;
        OpCase c;
        c.name = fmt::format("embed {} [{}, {}]{}", dtype_info(dtype).name, rows, width,
                             tied ? " tied" : "");
        c.build = [=](OpRig& rig) {
          const Weight table = rig.weight({-1, Axis::vocab, rows, 1, width},
                                          tied ? WeightUse::matmul_lookup : WeightUse::lookup,
                                          dtype, ordinary_blocks(dtype, rows * width, seed));
          const Tensor x = rig.graph.gather_rows(rig.graph.embed(table));
          if (tied) rig.graph.output(Output::argmax, rig.graph.argmax(rig.graph.matmul(table, x)));
          finish(rig, x);
        };
        const auto last = static_cast<int32_t>(rows - 1);
        c.steps = {{.token_ids = {last, 0, last / 2, last, 0}, .output_rows = iota(5)}};
        cases.push_back(c);
        seed++;
      }
  return cases;
}

}  // namespace troika::testing
