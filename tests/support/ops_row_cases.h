// Cases of the ops that work row by row: norms, rope, elementwise, joining and taking, choosing and
// keeping.
#pragma once

#include <cmath>

#include "support/ops_case.h"

namespace troika::testing {

/// A few roundoffs of elements up to some times the root mean square.
inline constexpr double kFewRoundoffs = 1e-6;

/// The graph of a case over inputs x and y of `units` x `width`.
using RowGraph = std::function<Tensor(OpRig&, Tensor x, Tensor y)>;

/// `ends`: some elements of x lie far out in the exponential, and each result is judged by itself.
inline OpCase row_case(const std::string& what, int64_t units, int64_t width, int64_t tokens,
                       uint32_t seed, double tolerance, bool ends, RowGraph build) {
  OpCase c;
  c.name = fmt::format("{} [{}, {}] tokens {}", what, units, width, tokens);
  c.build = [=](OpRig& rig) {
    std::vector<float> x = random_floats(tokens * units * width, seed);
    std::vector<float> y = random_floats(tokens * units * width, seed + 1);
    constexpr float kEnds[] = {80, -80, 0, 20, -20};
    for (size_t i = 0; ends && i < x.size(); i += 7) x[i] = kEnds[i % std::size(kEnds)];
    const Tensor xs = rig.input(x, Axis::heads, units, width);
    const Tensor ys = rig.input(y, Axis::heads, units, width);
    finish(rig, build(rig, xs, ys));
  };
  c.steps = {plain_step(tokens)};
  c.tolerance = tolerance;
  c.by_element = ends;
  return c;
}

inline std::vector<OpCase> norm_cases() {
  std::vector<OpCase> cases;
  uint32_t seed = 30000;
  for (const int64_t width : {1, 8, 15, 16, 17, 64, 100, 256, 2048})
    for (const int64_t units : {1, 3}) {
      cases.push_back(row_case("rms_norm", units, width, 5, seed += 3, kFewRoundoffs, true,
                               [=](OpRig& rig, Tensor x, Tensor) {
                                 return rig.graph.rms_norm(
                                     x, rig.vector(random_floats(width, seed)), 1e-6F);
                               }));
      cases.push_back(row_case(
          "l2_norm", units, width, 5, seed += 3, kFewRoundoffs, true,
          [](OpRig& rig, Tensor x, Tensor) { return rig.graph.l2_norm(x, 1e-6F, 0.125F); }));
    }
  return cases;
}

inline std::vector<OpCase> rope_cases() {
  struct Shape {
    int64_t width;
    int64_t dims;
  };
  std::vector<OpCase> cases;
  uint32_t seed = 31000;
  for (const RopePairs pairs : {RopePairs::adjacent, RopePairs::halves})
    for (const Shape s : {Shape{2, 2}, Shape{8, 8}, Shape{16, 6}, Shape{34, 34}, Shape{64, 64},
                          Shape{64, 16}, Shape{128, 128}, Shape{256, 64}})
      for (const bool of_outputs : {false, true}) {
        RopeOptions options{.pairs = pairs, .magnitude = of_outputs ? 1.25F : 1};
        for (int64_t i = 0; i < s.dims / 2; i++)
          options.frequencies.push_back(
              std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(s.dims)) /
              static_cast<double>(1 + i % 3));
        const char* layout = pairs == RopePairs::adjacent ? "adjacent" : "halves";
        OpCase c = row_case(
            fmt::format("rope {} dims {}{}", layout, s.dims, of_outputs ? " outputs" : ""), 3,
            s.width, 6, seed += 3, kFewRoundoffs, false, [=](OpRig& rig, Tensor x, Tensor) {
              return rig.graph.rope(of_outputs ? rig.graph.gather_rows(x) : x, options);
            });
        c.steps[0].positions = {0, 1, 63, 2048, 8191, 100003};
        if (of_outputs) c.steps[0].output_rows = {1, 4, 5};
        cases.push_back(c);
      }
  return cases;
}

inline std::vector<OpCase> elementwise_cases() {
  struct Named {
    const char* name;
    double tolerance;
    RowGraph build;
  };
  const auto gate = [](GateFunction f) {
    return [f](OpRig& rig, Tensor x, Tensor y) { return rig.graph.gate(y, x, f); };
  };
  const std::vector<Named> ops = {
      {"add", kFewRoundoffs, [](OpRig& rig, Tensor x, Tensor y) { return rig.graph.add(x, y); }},
      {"add_bias", kFewRoundoffs,
       [](OpRig& rig, Tensor x, Tensor) {
         return rig.graph.add_bias(
             x, rig.floats({-1, x.spec.axis, x.spec.units, x.spec.width, 1}, WeightUse::vector,
                           random_floats(x.spec.elements(), 3)));
       }},
      {"swiglu", kFewRoundoffs,
       [](OpRig& rig, Tensor x, Tensor y) { return rig.graph.swiglu(x, y); }},
      {"gate sigmoid", kFewRoundoffs, gate(GateFunction::sigmoid)},
      {"gate silu", kFewRoundoffs, gate(GateFunction::silu)},
      {"concat", 0, [](OpRig& rig, Tensor x, Tensor y) { return rig.graph.concat(x, y); }},
      {"slice front", 0,
       [](OpRig& rig, Tensor x, Tensor) { return rig.graph.slice(x, 0, (x.spec.width + 1) / 2); }},
      {"slice back", 0,
       [](OpRig& rig, Tensor x, Tensor) {
         return rig.graph.slice(x, x.spec.width / 2, x.spec.width - x.spec.width / 2);
       }},
  };
  std::vector<OpCase> cases;
  uint32_t seed = 32000;
  for (const Named& op : ops)
    for (const int64_t width : {1, 8, 15, 16, 17, 33, 256})
      for (const int64_t units : {1, 3})
        for (const int64_t tokens : {1, 7, 65})
          cases.push_back(
              row_case(op.name, units, width, tokens, seed += 3, op.tolerance, true, op.build));
  return cases;
}

/// One gate for a whole row.
inline std::vector<OpCase> gate_of_row_cases() {
  constexpr int64_t kTokens = 7;
  std::vector<OpCase> cases;
  uint32_t seed = 34000;
  for (const GateFunction function : {GateFunction::sigmoid, GateFunction::silu})
    for (const int64_t width : {1, 8, 17, 256})
      for (const int64_t units : {1, 3})
        cases.push_back(row_case(
            fmt::format("gate of a row {}", function == GateFunction::silu ? "silu" : "sigmoid"),
            units, width, kTokens, seed += 3, kFewRoundoffs, true,
            [=](OpRig& rig, Tensor x, Tensor) {
              std::vector<float> gates = random_floats(kTokens, seed + 2);
              gates[3] = -80;
              gates[4] = 80;
              return rig.graph.gate(x, rig.input(gates, Axis::hidden, 1, 1), function);
            }));
  return cases;
}

inline OpCase argmax_case(int64_t vocab, uint32_t seed) {
  OpCase c;
  c.name = fmt::format("argmax vocab {}", vocab);
  c.build = [=](OpRig& rig) {
    std::vector<float> x = random_floats(9 * vocab, seed);
    for (int64_t i = 0; i < vocab; i++) {
      x[static_cast<size_t>(i)] = -1;                                     // all equal
      x[static_cast<size_t>(vocab + i)] = i % 5 == 3 ? 2 : -2;            // many equal
      x[static_cast<size_t>(2 * vocab + i)] = i == vocab - 1 ? -1 : -10;  // the last
      x[static_cast<size_t>(3 * vocab + i)] = i % 2 == 0 ? -0.0F : 0.0F;  // zeros are equal
    }
    const Tensor logits = rig.graph.gather_rows(rig.input(x, Axis::vocab, vocab, 1));
    rig.graph.output(Output::argmax, rig.graph.argmax(logits));
  };
  c.steps = {plain_step(9)};
  return c;
}

/// Rows go to a hidden state and come back, in the step after, in another order, some as zeros.
inline OpCase hidden_case(int64_t width, bool of_outputs, uint32_t seed) {
  OpCase c;
  c.name = fmt::format("store_rows load_rows width {}{}", width, of_outputs ? " outputs" : "");
  c.build = [=](OpRig& rig) {
    const State hidden = rig.state(HiddenState{width}, 6);
    const Tensor x = rig.input(random_floats(8 * width, seed), Axis::hidden, 1, width);
    // The store stands before the load, which must still see the state as it was.
    rig.graph.store_rows(of_outputs ? rig.graph.gather_rows(x) : x, hidden);
    finish(rig, rig.graph.load_rows(hidden, width));
  };
  c.steps = {
      {.token_ids = {0, 1, 2},
       .output_rows = {0, 1, 2},
       .hidden_in = {-1, -1, -1},
       .hidden_out = {5, 0, 3}},
      {.token_ids = {3, 4, 5},
       .output_rows = {0, 1, 2},
       .hidden_in = {0, -1, 5},
       .hidden_out = {0, 5, 1}},
      {.token_ids = {6, 7, 1, 2},
       .output_rows = {0, 1, 2, 3},
       .hidden_in = {0, 1, 3, 5},
       .hidden_out = {4, 2, 1, 0}},
  };
  c.cuts = false;
  return c;
}

inline std::vector<OpCase> choice_cases() {
  std::vector<OpCase> cases;
  for (const int64_t vocab : {1, 2, 15, 16, 17, 1000, 4099})
    cases.push_back(argmax_case(vocab, static_cast<uint32_t>(33000 + vocab)));
  for (const int64_t width : {1, 17, 192})
    for (const bool of_outputs : {false, true})
      cases.push_back(hidden_case(width, of_outputs, static_cast<uint32_t>(34000 + width)));
  OpCase gather = row_case("gather_rows", 2, 17, 9, 35000, 0, false,
                           [](OpRig&, Tensor x, Tensor) { return x; });
  for (const std::vector<int32_t>& rows :
       {std::vector<int32_t>{0}, std::vector<int32_t>{8}, std::vector<int32_t>{1, 2, 6, 8}}) {
    gather.steps[0].output_rows = rows;
    cases.push_back(gather);
  }
  return cases;
}

}  // namespace troika::testing
