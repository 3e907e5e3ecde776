// The sums on published shapes: Qwen3.5-27B and 35B-A3B, all matrices in q4_k.
#include "engine/memory_plan.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

struct Shape {
  int64_t hidden, ffn, experts, vocab, layers, heads, kv_heads, head_dim, key_heads, value_heads;
};
constexpr int64_t kStateDim = 128;
constexpr int64_t kTaps = 4;
constexpr Shape k27B = {5120, 17408, 1, 248320, 64, 24, 4, 256, 16, 48};
constexpr Shape k35BA3B = {2048, 512, 256 + 1, 248320, 40,
                           16,   2,   256,     16,     32};  // 256 experts and a shared one

/// The tables that a model of this shape declares; which weight is which does not matter to the
/// sums.
struct Tables {
  std::vector<WeightInfo> weights;
  std::vector<StateInfo> states;

  void weight(int64_t rows, int64_t inputs, bool head) {
    const Weight w{static_cast<int32_t>(weights.size()), Axis::hidden, 1, rows, inputs};
    weights.push_back({"w", DType::q4_k, WeightUse::matmul, w, {}, head, {}});
  }

  explicit Tables(const Shape& s) {
    for (int64_t layer = 0; layer <= s.layers; layer++) {
      const bool head = layer == s.layers;
      const bool full = head || (layer + 1) % 4 == 0;
      weight(3 * s.ffn * s.experts, s.hidden, head);
      if (head) weight(s.hidden, 2 * s.hidden, head);
      if (full) {
        weight(s.head_dim * (3 * s.heads + 2 * s.kv_heads), s.hidden, head);
        states.push_back({"kv", KvState{s.kv_heads, s.head_dim, s.head_dim}, head});
      } else {
        const int64_t keys = s.key_heads * kStateDim;
        const int64_t values = s.value_heads * kStateDim;
        weight(2 * keys + 3 * values + 2 * s.value_heads, s.hidden, false);
        for (const int64_t channels : {keys, keys, values})
          states.push_back({"conv", ConvState{channels, kTaps}});
        states.push_back({"delta", DeltaState{s.value_heads, kStateDim, kStateDim}});
      }
    }
    weight(2 * s.vocab, s.hidden, false);
    states.push_back({"hidden", HiddenState{s.hidden}, true});
  }
};

MemoryPlan plan(const Shape& shape, int64_t context) {
  const Tables tables(shape);
  return plan_memory(tables.weights, tables.states,
                     {.pages = context / kPageTokens,
                      .sequences = 1,
                      .hidden_rows = 20,
                      .options = {.log_tokens = 8}});
}

TEST(MemoryPlanTest, TheDraftHeadAddsUnderATenthOnPublishedShapes) {
  for (const Shape& shape : {k27B, k35BA3B})
    for (const int64_t context : {8192, 32768}) {
      const MemoryPlan p = plan(shape, context);
      EXPECT_GT(p.draft_head_share(), 0);
      EXPECT_LT(p.draft_head_share(), 0.10) << shape.hidden << " at " << context;
    }
}

TEST(MemoryPlanTest, TheLogStaysUnderFiveMebibytesATokenOnTheLargestShape) {
  const MemoryPlan p = plan(k27B, 8192);
  EXPECT_GT(p.log_per_token, 0);
  EXPECT_LT(p.log_per_token, int64_t{5} << 20);
  EXPECT_EQ(p.log, 8 * p.log_per_token);
}

TEST(MemoryPlanTest, ACheckpointIsAStateWithItsLogAndAHiddenRow) {
  const Tables tables(k27B);
  const MemoryPlan p =
      plan_memory(tables.weights, tables.states,
                  {.sequences = 1, .checkpoints = 3, .options = {.log_tokens = 8}});
  EXPECT_EQ(p.checkpoints, 3 * (p.recurrent + p.log + k27B.hidden * 4));
  EXPECT_EQ(p.total(), p.weights.total() + p.recurrent + p.log + p.checkpoints);
}

TEST(MemoryPlanTest, AStackOfExpertsCountsEveryExpert) {
  const Weight stack{0, Axis::ffn, 512, 1, 2048, 256};
  const WeightInfo weights[] = {{"gate", DType::q4_k, WeightUse::experts, stack, {}, false, {}},
                                {"head", DType::q8_0, WeightUse::experts, stack, {}, true, {}}};
  const MemoryPlan p = plan_memory(weights, {}, {});
  EXPECT_EQ(p.weights.trunk, int64_t{256} * 512 * 2048 / 256 * 144);
  EXPECT_EQ(p.weights.draft_head, int64_t{256} * 512 * 2048 / 32 * 34);
}

TEST(MemoryPlanTest, TheSumsAreThoseOfThePublishedModels) {
  const MemoryPlan p = plan(k27B, 8192);
  EXPECT_NEAR(static_cast<double>(p.weights.trunk) / 0.5625, 26.9e9,
              0.2e9);  // weights, at 4.5 bits each
  EXPECT_EQ(p.kv.trunk, 16 * 4 * (256 + 256) * 2 * int64_t{8192});
  EXPECT_EQ(p.kv.draft_head, p.kv.trunk / 16);
  EXPECT_EQ(p.recurrent, 48 * (30720 + 786432) * int64_t{4});
  EXPECT_EQ(p.total(), p.weights.total() + p.kv.total() + p.recurrent + p.log + p.hidden);
}

}  // namespace
}  // namespace troika
