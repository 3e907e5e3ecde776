// Cases of causal_conv and gated_delta_rule: prompts, drafts that turn out right or wrong, replays
// alone, fresh states over used slots.
#pragma once

#include <cmath>

#include "support/ops_case.h"

namespace troika::testing {

/// What a sequence does in a step.
struct Advance {
  int32_t slot = 0;
  int32_t rows = 0;
  int32_t certain = 0;
  int32_t replay = 0;
  int32_t fresh = 0;
};

/// Makes steps of which every token has its own row of data.
class RecurrentSteps {
 public:
  StepInputs next(const std::vector<Advance>& advances) {
    StepInputs step;
    for (const Advance& a : advances) {
      step.spans.push_back({.row_begin = static_cast<int32_t>(step.token_ids.size()),
                            .rows = a.rows,
                            .state_slot = a.slot,
                            .replay = a.replay,
                            .certain = a.certain,
                            .fresh = a.fresh});
      for (int32_t row = 0; row < a.rows; row++)
        step.token_ids.push_back(static_cast<int32_t>(tokens_++));
    }
    step.output_rows = iota(std::ssize(step.token_ids));
    return step;
  }
  int64_t tokens() const { return tokens_; }

 private:
  int64_t tokens_ = 0;
};

inline constexpr int64_t kLogTokens = 8;
inline constexpr int64_t kSlots = 3;

/// Three sequences in three slots: every way of going on that the engine uses.
inline std::vector<StepInputs> recurrent_story(RecurrentSteps& plan) {
  return {
      plan.next({{.slot = 2, .rows = 5, .certain = 5, .fresh = 1}}),
      plan.next({{.slot = 2, .rows = 3, .certain = 1},
                 {.slot = 0, .rows = 70, .certain = 70, .fresh = 1}}),
      plan.next({{.slot = 0, .rows = 9, .certain = 1},
                 {.slot = 2, .rows = 4, .certain = 1, .replay = 1}}),
      plan.next({{.slot = 2, .replay = 3}, {.slot = 0, .rows = 1, .certain = 1, .replay = 8}}),
      plan.next({{.slot = 1, .rows = 2, .certain = 2, .fresh = 1},
                 {.slot = 2, .rows = 2, .certain = 0},
                 {.slot = 0, .rows = 1, .certain = 1}}),
      plan.next({{.slot = 2, .rows = 1, .certain = 1, .replay = 2},
                 {.slot = 0, .rows = 1, .certain = 1, .fresh = 1},
                 {.slot = 1, .rows = 1, .certain = 1}}),
  };
}

/// A case without steps, with data for `tokens` token ids.
inline OpCase conv_case(int64_t channels, int64_t taps, int64_t tokens, uint32_t seed) {
  OpCase c;
  c.name = fmt::format("causal_conv channels {} taps {}", channels, taps);
  c.options = {.log_tokens = kLogTokens};
  c.build = [=](OpRig& rig) {
    const Tensor x = rig.input(random_floats(tokens * channels, seed), Axis::hidden, 1, channels);
    const Weight w = rig.floats({-1, Axis::hidden, 1, channels, taps}, WeightUse::vector,
                                random_floats(channels * taps, seed + 1));
    finish(rig, rig.graph.causal_conv(x, w, rig.state(ConvState{channels, taps}, kSlots)));
  };
  // A few products and one exponential, each within a few roundoffs of values up to ten times
  // the root mean square.
  c.tolerance = 3e-6;
  return c;
}

struct DeltaShape {
  int64_t key_heads = 1;
  int64_t value_heads = 1;
  int64_t key_dim = 16;
  int64_t value_dim = 16;
  uint32_t seed = 0;
};

/// `rows` directions of length `length`.
inline std::vector<float> directions(int64_t rows, int64_t width, float length, uint32_t seed) {
  std::vector<float> values = random_floats(rows * width, seed);
  for (int64_t r = 0; r < rows; r++) {
    float* row = values.data() + r * width;
    double sum = 0;
    for (int64_t i = 0; i < width; i++) sum += static_cast<double>(row[i]) * row[i];
    for (int64_t i = 0; i < width; i++) row[i] *= length / static_cast<float>(std::sqrt(sum));
  }
  return values;
}

/// A case without steps, with data for `tokens` token ids.
inline OpCase delta_case(const DeltaShape& s, int64_t tokens) {
  OpCase c;
  c.name = fmt::format("gated_delta_rule heads {}/{} dims {}/{}", s.key_heads, s.value_heads,
                       s.key_dim, s.value_dim);
  c.options = {.log_tokens = kLogTokens};
  c.build = [=](OpRig& rig) {
    const auto per_head = [&](uint32_t seed) {
      return rig.input(random_floats(tokens * s.value_heads, seed), Axis::v_heads, s.value_heads,
                       1);
    };
    std::vector<float> a = random_floats(s.value_heads, s.seed + 5);
    for (float& value : a) value = -std::abs(value) - 0.01F;
    finish(rig,
           rig.graph.gated_delta_rule(
               {.q = rig.input(directions(tokens * s.key_heads, s.key_dim, 1, s.seed),
                               Axis::k_heads, s.key_heads, s.key_dim),
                .k = rig.input(directions(tokens * s.key_heads, s.key_dim, 1, s.seed + 1),
                               Axis::k_heads, s.key_heads, s.key_dim),
                .v = rig.input(random_floats(tokens * s.value_heads * s.value_dim, s.seed + 2),
                               Axis::v_heads, s.value_heads, s.value_dim),
                .decay_in = per_head(s.seed + 3),
                .beta_in = per_head(s.seed + 4),
                .a = rig.vector(a),
                .decay_bias = rig.vector(random_floats(s.value_heads, s.seed + 6)),
                .state = rig.state(DeltaState{s.value_heads, s.key_dim, s.value_dim}, kSlots)}));
  };
  // Rounding of the state adds up over the tokens that the decay remembers, tens here.
  c.tolerance = 5e-6;
  return c;
}

inline std::vector<OpCase> recurrent_cases() {
  RecurrentSteps plan;
  const std::vector<StepInputs> story = recurrent_story(plan);
  std::vector<OpCase> cases;
  uint32_t seed = 20000;
  for (const int64_t channels : {1, 15, 16, 17, 96, 640})
    for (const int64_t taps : {2, 3, 4, 5})
      cases.push_back(conv_case(channels, taps, plan.tokens(), seed += 10));
  for (DeltaShape s : {DeltaShape{1, 1, 16, 16}, DeltaShape{2, 2, 32, 32}, DeltaShape{2, 4, 32, 32},
                       DeltaShape{1, 3, 8, 24}, DeltaShape{3, 6, 64, 32}, DeltaShape{1, 2, 64, 64},
                       DeltaShape{2, 6, 128, 128}}) {
    s.seed = seed += 10;
    cases.push_back(delta_case(s, plan.tokens()));
  }
  for (OpCase& c : cases) c.steps = story;
  return cases;
}

}  // namespace troika::testing
