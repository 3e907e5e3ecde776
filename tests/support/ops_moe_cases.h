// Cases of mixtures of experts: routers of every kind; products over stacks of every type, with
// rows that fill no strip, every number of leaves, and experts that several rows share.
#pragma once

#include <cmath>
#include <random>

#include "support/ops_case.h"
#include "support/ops_matmul_cases.h"

namespace troika::testing {

/// `tokens` rows of (id, weight), ids distinct within a row.
inline std::vector<float> random_routing(int64_t tokens, int64_t experts, int64_t used,
                                         uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> weight(0.1F, 1);
  std::vector<float> pairs;
  for (int64_t t = 0; t < tokens; t++) {
    std::vector<int32_t> ids = iota(experts);
    std::ranges::shuffle(ids, random);
    for (int64_t j = 0; j < used; j++) {
      pairs.push_back(static_cast<float>(ids[static_cast<size_t>(j)]));
      pairs.push_back(weight(random));
    }
  }
  return pairs;
}

struct ExpertShape {
  DType dtype = DType::f32;
  int64_t experts = 0;
  int64_t used = 0;
  int64_t rows = 0;  // of an expert
  int64_t inputs = 0;
  int64_t tokens = 0;
  Split split;
  bool sum = false;  // ExpertSum instead of ExpertMatMul
  uint32_t seed = 0;
};

inline std::vector<std::byte> expert_blocks(const ExpertShape& s) {
  return ordinary_blocks(s.dtype, s.experts * s.rows * s.inputs, s.seed);
}

/// Rows of x: one for each token, or one for each of its experts.
inline std::vector<float> expert_inputs(const ExpertShape& s) {
  return random_floats(s.tokens * (s.sum ? s.used : 1) * s.inputs, s.seed + 1);
}

/// |w| |x| / sqrt(K) of each product, added in squares over experts where they are summed.
inline std::vector<double> expert_scales(const ExpertShape& s) {
  std::vector<float> w(static_cast<size_t>(s.experts * s.rows * s.inputs));
  decode_row(s.dtype, expert_blocks(s).data(), w.data(), std::ssize(w));
  const auto w_norms = row_norms(w, s.inputs);
  const auto x_norms = row_norms(expert_inputs(s), s.inputs);
  const auto pairs = random_routing(s.tokens, s.experts, s.used, s.seed + 2);
  std::vector<double> scales;
  for (size_t t = 0; t < static_cast<size_t>(s.tokens); t++) {
    std::vector<double> squares(static_cast<size_t>(s.rows));
    for (size_t j = 0; j < static_cast<size_t>(s.used); j++) {
      const size_t pair = t * static_cast<size_t>(s.used) + j;
      const auto expert = static_cast<size_t>(pairs[2 * pair]);
      for (size_t o = 0; o < squares.size(); o++) {
        const double scale = w_norms[expert * squares.size() + o] * x_norms[s.sum ? pair : t] /
                             std::sqrt(static_cast<double>(s.inputs));
        if (!s.sum) scales.push_back(scale);
        squares[o] += std::pow(scale * static_cast<double>(pairs[2 * pair + 1]), 2);
      }
    }
    for (const double square : squares)
      if (s.sum) scales.push_back(std::sqrt(square));
  }
  return scales;
}

inline OpCase expert_case(const ExpertShape& s) {
  OpCase c;
  c.name = fmt::format("{} {} [{}, {}, {}] used {} tokens {} leaves {}",
                       s.sum ? "expert_sum" : "expert_matmul", dtype_info(s.dtype).name, s.experts,
                       s.rows, s.inputs, s.used, s.tokens, s.split.leaves.size());
  c.build = [s](OpRig& rig) {
    const Tensor x = s.sum ? rig.input(expert_inputs(s), Axis::chosen, s.used, s.inputs)
                           : rig.input(expert_inputs(s), Axis::hidden, 1, s.inputs);
    const Routing routing{
        rig.input(random_routing(s.tokens, s.experts, s.used, s.seed + 2), Axis::chosen, s.used, 2),
        s.experts};
    const Weight w = rig.weight({-1, Axis::hidden, 1, s.rows, s.inputs, s.experts},
                                WeightUse::experts, s.dtype, expert_blocks(s), s.split);
    finish(rig,
           s.sum ? rig.graph.expert_sum(w, x, routing) : rig.graph.expert_matmul(w, x, routing));
  };
  c.steps = {plain_step(s.tokens)};
  c.tolerance = 4 * kRoundoff * std::sqrt(static_cast<double>(s.inputs)) + 8 * kRoundoff;
  c.scales = [s] { return expert_scales(s); };
  c.eight_bits = dtype_info(s.dtype).block > 1;
  return c;
}

inline std::vector<OpCase> expert_cases() {
  constexpr int64_t kTokens[] = {1, 2, 9, 40};
  constexpr int64_t kRows[] = {16, 5, 33, 200};
  constexpr int64_t kBlocks[] = {1, 2, 3, 5, 7, 8, 11};
  std::vector<OpCase> cases;
  uint32_t seed = 50000;
  for (const DType dtype : matrix_types()) {
    const int64_t block = dtype_info(dtype).block == 1 ? 12 : dtype_info(dtype).block;
    for (int draw = 0; draw < 4; draw++)
      for (const bool sum : {false, true}) {
        const int64_t blocks = kBlocks[seed % std::size(kBlocks)];
        const int64_t inputs = blocks * block;
        ExpertShape s{.dtype = dtype,
                      .experts = 2 + seed % 5,
                      .used = 1 + seed % 2,
                      .rows = kRows[seed % std::size(kRows)],
                      .inputs = inputs,
                      .tokens = kTokens[seed / 3 % std::size(kTokens)],
                      .split = split_contiguous(inputs, blocks, block),
                      .sum = sum,
                      .seed = seed++};
        cases.push_back(expert_case(s));
      }
    // Scattered leaves; a stack of one matrix, for more rows than go together anywhere.
    ExpertShape s{dtype, 3,     3, 20, 12 * block, 4, split_tiled_heads(3, 6, 2 * block, block),
                  true,  seed++};
    cases.push_back(expert_case(s));
    s.experts = s.used = 1;
    s.tokens = 150;
    for (const bool sum : {false, true}) {
      s.sum = sum;
      cases.push_back(expert_case(s));
    }
  }
  // More rows, each of eight experts with eight leaves, than their products are kept for.
  for (const DType dtype : {DType::f32, DType::q8_0}) {
    const int64_t block = dtype == DType::f32 ? 12 : 32;
    for (const bool sum : {false, true})
      cases.push_back(expert_case(
          {dtype, 12, 8, 40, 8 * block, 150, split_contiguous(8 * block, 8, block), sum, seed++}));
  }
  return cases;
}

struct RouterShape {
  int64_t experts = 0;
  RouterOptions options;
  bool bias = false;
  int64_t tokens = 0;
  uint32_t seed = 0;
};

inline OpCase router_case(const RouterShape& s) {
  OpCase c;
  const RouterOptions& o = s.options;
  c.name = fmt::format("router {} of {} gating {} groups {} of {}{}{}", o.used, s.experts,
                       static_cast<int>(o.gating), o.groups_used, o.groups,
                       o.normalise ? " normalised" : "", s.bias ? " biased" : "");
  c.build = [s](OpRig& rig) {
    RouterTopK op{.logits = rig.input(random_floats(s.tokens * s.experts, s.seed), Axis::experts,
                                      s.experts, 1),
                  .options = s.options};
    if (s.bias) op.selection_bias = rig.vector(random_floats(s.experts, s.seed + 1));
    finish(rig, rig.graph.router_top_k(op).chosen);
  };
  c.steps = {plain_step(s.tokens)};
  c.tolerance = 16 * kRoundoff;
  c.by_element = true;
  return c;
}

/// Rows whose logits are equal in places: the lowest ids win, in their order.
inline OpCase router_ties_case(Gating gating) {
  OpCase c;
  c.name = fmt::format("router ties, gating {}", static_cast<int>(gating));
  c.build = [gating](OpRig& rig) {
    std::vector<float> logits;
    for (int t = 0; t < 5; t++)
      for (int e = 0; e < 40; e++) logits.push_back(static_cast<float>(e % (t + 1)));
    const Tensor x = rig.input(logits, Axis::experts, 40, 1);
    finish(rig,
           rig.graph.router_top_k({.logits = x, .options = {.used = 9, .gating = gating}}).chosen);
  };
  c.steps = {plain_step(5)};
  c.tolerance = 16 * kRoundoff;
  c.by_element = true;
  return c;
}

inline std::vector<OpCase> router_cases() {
  std::vector<OpCase> cases;
  uint32_t seed = 60000;
  for (const Gating gating : {Gating::softmax, Gating::sigmoid, Gating::softmax_chosen}) {
    cases.push_back(router_ties_case(gating));
    for (const bool normalise : {false, true})
      for (const bool bias : {false, true}) {
        const RouterOptions plain{.gating = gating, .normalise = normalise};
        auto options = [&](int64_t used, int64_t groups, int64_t groups_used) {
          RouterOptions o = plain;
          o.used = used;
          o.groups = groups;
          o.groups_used = groups_used;
          o.scale = normalise ? 2.5F : 1;
          return o;
        };
        cases.push_back(router_case({1, options(1, 1, 1), bias, 3, seed++}));
        cases.push_back(router_case({4, options(2, 1, 1), bias, 9, seed++}));
        cases.push_back(router_case({33, options(33, 1, 1), bias, 5, seed++}));
        cases.push_back(router_case({128, options(8, 1, 1), bias, 20, seed++}));
        cases.push_back(router_case({512, options(10, 1, 1), bias, 7, seed++}));
        cases.push_back(router_case({16, options(4, 4, 2), bias, 20, seed++}));
        cases.push_back(router_case({6, options(3, 6, 4), bias, 20, seed++}));  // groups of one
        cases.push_back(router_case({256, options(8, 8, 4), bias, 20, seed++}));
      }
  }
  return cases;
}

}  // namespace troika::testing
