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

TEST(StateTest, LogOfTheLargestPublishedHybridStaysUnderFiveMebibytesAToken) {
  const int64_t layer = state_log_bytes(ConvState{2048, 4}) * 2 +
                        state_log_bytes(ConvState{6144, 4}) +
                        state_log_bytes(DeltaState{48, 128, 128});
  EXPECT_LT(48 * layer, 5 << 20);
}

}  // namespace
}  // namespace troika
