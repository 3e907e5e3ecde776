#include "graph/graph.h"

#include <gtest/gtest.h>

#include "graph/state.h"

namespace troika {
namespace {

Weight matrix(int32_t id, int64_t rows, int64_t inputs) {
  return {id, Axis::hidden, 1, rows, inputs};
}

TEST(GraphTest, ShapesFollowFromTheOps) {
  Graph g;
  const Tensor x = g.embed(matrix(0, 100, 64));
  EXPECT_EQ(x.spec, (Spec{DType::f32, Rows::tokens, Axis::hidden, 1, 64}));
  const Tensor q = g.matmul({1, Axis::heads, 4, 16, 64}, x);
  EXPECT_EQ(q.spec, (Spec{DType::f32, Rows::tokens, Axis::heads, 4, 16}));
  EXPECT_EQ(g.slice(q, 8, 8).spec.width, 8);
  EXPECT_EQ(g.gather_rows(q).spec.rows, Rows::outputs);
  EXPECT_TRUE(g.check().ok());
}

TEST(GraphTest, TheFirstMisfitIsToldByOpAndNumber) {
  Graph g;
  const Tensor x = g.embed(matrix(0, 100, 64));
  g.matmul(matrix(1, 10, 65), x);
  g.rope(x, {});
  const Status status = g.check();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message(), "op 1 (matmul): row of x is 64, wanted 65");
}

TEST(GraphTest, QueriesMustDivideAmongKvHeads) {
  Graph g;
  const Tensor x = g.embed(matrix(0, 100, 64));
  const Tensor q = g.matmul({1, Axis::heads, 3, 16, 64}, x);
  g.attention({.q = q, .kv_heads = 2, .value_dim = 16});
  EXPECT_FALSE(g.check().ok());
}

/// A router over 8 experts for rows of 64, and a stack of matrices over them.
struct Experts {
  Graph g;
  Tensor x = g.embed(matrix(0, 100, 64));
  Tensor logits = g.matmul({1, Axis::experts, 8, 1, 64}, x);
  Weight up{2, Axis::ffn, 32, 1, 64, 8};
  Weight down{3, Axis::hidden, 1, 64, 32, 8};
};

TEST(GraphTest, ExpertsKeepAChosenAxisUntilTheyAreSummed) {
  Experts e;
  const Routing routing = e.g.router_top_k({.logits = e.logits, .options = {.used = 3}});
  EXPECT_EQ(routing.chosen.spec, (Spec{DType::f32, Rows::tokens, Axis::chosen, 3, 2}));
  const Tensor h = e.g.expert_matmul(e.up, e.x, routing);
  EXPECT_EQ(h.spec, (Spec{DType::f32, Rows::tokens, Axis::chosen, 3, 32}));
  EXPECT_EQ(e.g.expert_sum(e.down, h, routing).spec, e.x.spec);
  EXPECT_TRUE(e.g.check().ok());
}

TEST(GraphTest, RoutersRefuseWhatTheyCannotChoose) {
  const Weight short_bias{4, Axis::experts, 7, 1, 1};
  const RouterTopK bad[] = {{.options = {.used = 0}},
                            {.options = {.used = 9}},
                            {.options = {.used = 1, .groups = 3}},
                            {.options = {.used = 1, .groups = 0}},
                            {.options = {.used = 1, .groups = 4, .groups_used = 5}},
                            {.options = {.used = 1, .groups = 4, .groups_used = 0}},
                            {.options = {.used = 3, .groups = 4, .groups_used = 1}},
                            {.selection_bias = short_bias, .options = {.used = 1}}};
  for (RouterTopK op : bad) {
    Experts e;
    op.logits = e.logits;
    e.g.router_top_k(op);
    EXPECT_EQ(e.g.check().error().code(), ErrorCode::invalid_argument);
  }
  Experts e;
  const Tensor many = e.g.matmul({1, Axis::experts, kExpertsMax + 1, 1, 64}, e.x);
  e.g.router_top_k({.logits = many, .options = {.used = 1}});
  EXPECT_EQ(e.g.check().error().message(), "op 3 (router_top_k): 513 experts, wanted 1 to 512");
}

TEST(GraphTest, ProductsOfExpertsRefuseWhatDoesNotFitTheirRouter) {
  using Misuse = void (*)(Experts&, Routing);
  for (const Misuse misuse : {
           Misuse{[](Experts&e, Routing r) {
             e.g.expert_matmul({2, Axis::ffn, 32, 1, 64, 7}, e.x, r);
           }},
           Misuse{[](Experts&e, Routing r) {
             e.g.expert_matmul({2, Axis::ffn, 32, 1, 65, 8}, e.x, r);
           }},
           Misuse{[](Experts&e, Routing) {
             e.g.expert_matmul(e.up, e.x, {e.x, 8});
           }},
           Misuse{[](Experts&e, Routing r) { e.g.expert_matmul(e.up, e.g.gather_rows(e.x), r); }},
           Misuse{[](Experts&e, Routing r) { e.g.expert_sum(e.down, e.x, r); }},
           Misuse{[](Experts&e, Routing r) {
             e.g.expert_sum({3, Axis::hidden, 1, 64, 33, 8}, e.g.expert_matmul(e.up, e.x, r), r);
           }},
           Misuse{[](Experts&e, Routing) { e.g.matmul(e.up, e.x); }},
       }) {
    Experts e;
    misuse(e, e.g.router_top_k({.logits = e.logits, .options = {.used = 2}}));
    const Status status = e.g.check();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::invalid_argument);
  }
}

TEST(GraphTest, GatesAreOneForEachElementOrOneForTheRow) {
  Experts e;  // x is [tokens, 1, 64]
  const Tensor one = e.g.matmul({5, Axis::hidden, 1, 1, 64}, e.x);
  const Tensor two = e.g.matmul({6, Axis::hidden, 2, 1, 64}, e.x);
  EXPECT_EQ(e.g.gate(e.x, one, GateFunction::sigmoid).spec, e.x.spec);
  EXPECT_TRUE(e.g.check().ok());
  Experts other_rows = e;
  other_rows.g.gate(other_rows.g.gather_rows(e.x), one, GateFunction::sigmoid);
  EXPECT_EQ(other_rows.g.check().error().code(), ErrorCode::invalid_argument);
  e.g.gate(e.x, two, GateFunction::sigmoid);
  EXPECT_EQ(e.g.check().error().code(), ErrorCode::invalid_argument);
}

TEST(GraphTest, OpsNameTheirMatrix) {
  Experts e;
  EXPECT_EQ(matrix_of(ExpertMatMul{.w = e.up}).id, 2);
  EXPECT_EQ(matrix_of(ExpertSum{.w = e.down}).id, 3);
  EXPECT_EQ(matrix_of(MatMul{.w = e.down}).id, 3);
  EXPECT_EQ(matrix_of(Embed{.table = matrix(7, 1, 1)}).id, 7);
  EXPECT_FALSE(matrix_of(RmsNorm{.weight = matrix(1, 1, 1)}).present());
}

TEST(StateTest, LogOfTheLargestPublishedHybridStaysUnderFiveMebibytesAToken) {
  const int64_t layer = state_log_bytes(ConvState{2048, 4}) * 2 +
                        state_log_bytes(ConvState{6144, 4}) +
                        state_log_bytes(DeltaState{48, 128, 128});
  EXPECT_LT(48 * layer, 5 << 20);
}

}  // namespace
}  // namespace troika
