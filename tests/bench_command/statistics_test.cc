// Medians and spreads, shares of a limit, and what a step must at least read and compute.

#include <gtest/gtest.h>

#include "cli/bench_result.h"
#include "cli/series.h"
#include "plan/step_work.h"

namespace troika::cli {
namespace {

TEST(Series, MedianIsTheMiddleOrTheMeanOfTwo) {
  EXPECT_EQ((Series{{3, 1, 2}}).median(), 2);
  EXPECT_EQ((Series{{4, 1, 2, 3}}).median(), 2.5);
  EXPECT_EQ(Series{}.median(), 0);
}

TEST(Series, SpreadIsRelativeToTheMedian) {
  const Series series{{90, 100, 120}};
  EXPECT_EQ(series.min(), 90);
  EXPECT_EQ(series.max(), 120);
  EXPECT_DOUBLE_EQ(series.spread_percent(), 30);
  EXPECT_EQ(Series{}.spread_percent(), 0);
}

TEST(BenchResult, ShareOfARateAndOfATime) {
  BenchResult rate{.unit = "tokens/s", .series = {{50}}, .limit = 100};
  EXPECT_DOUBLE_EQ(*rate.share_percent(), 50);
  BenchResult time{.unit = "ms", .series = {{50}}, .limit = 40};
  EXPECT_DOUBLE_EQ(*time.share_percent(), 80);
  time.limit.reset();
  EXPECT_FALSE(time.share_percent());
}

TEST(BenchResult, ProbesMoreThanFivePercentApartAreNotSteady) {
  BenchResult result;
  EXPECT_TRUE(result.steady());
  result.probes = {100, 96, 98};
  EXPECT_TRUE(result.steady());
  result.probes = {100, 94};
  EXPECT_FALSE(result.steady());
}

constexpr int64_t kHidden = 64, kVocab = 128;

/// An embedding tied to the output, and one layer of `experts` (0: a plain matrix).
struct TinyModel {
  Model model;
  explicit TinyModel(int64_t experts) {
    const Weight table = add(DType::q8_0, Axis::vocab, kVocab, 1);
    Graph& g = model.trunk;
    Tensor x = g.embed(table);
    if (experts == 0) {
      x = g.matmul(add(DType::q8_0, Axis::hidden, kHidden, 1), x);
    } else {
      const Weight router = add(DType::f32, Axis::experts, experts, 1);
      const Routing routing = g.router_top_k(
          {.logits = g.matmul(router, x), .selection_bias = {}, .options = {.used = 2}});
      x = g.expert_sum(
          add(DType::q8_0, Axis::hidden, kHidden, experts),
          g.expert_matmul(add(DType::q8_0, Axis::hidden, kHidden, experts), x, routing), routing);
    }
    g.output(Output::logits, g.matmul(table, g.gather_rows(x)));
    EXPECT_TRUE(g.check().ok()) << g.check().error().message();
  }
  Weight add(DType dtype, Axis axis, int64_t rows, int64_t experts) {
    const Weight weight{.id = static_cast<int32_t>(model.weights.size()),
                        .axis = axis,
                        .units = axis == Axis::hidden ? 1 : rows,
                        .width = axis == Axis::hidden ? rows : 1,
                        .inputs = kHidden,
                        .experts = experts};
    WeightInfo info;
    info.dtype = dtype;
    info.weight = weight;
    model.weights.push_back(std::move(info));
    return weight;
  }
};

TEST(BenchWork, WeightsAreReadOnceAndMultipliedForEachRow) {
  const TinyModel tiny(0);
  const double row_bytes = static_cast<double>(dtype_bytes(DType::q8_0, kHidden));
  const StepWork one = work_of_step(tiny.model, {});
  const StepWork four = work_of_step(tiny.model, {.rows = 4, .outputs = 1});
  EXPECT_DOUBLE_EQ(one.weight_bytes, row_bytes * (kVocab + kHidden + 1));
  EXPECT_DOUBLE_EQ(four.weight_bytes, row_bytes * (kVocab + kHidden + 4));
  EXPECT_DOUBLE_EQ(one.int8_operations, 2.0 * kHidden * (kVocab + kHidden));
  EXPECT_DOUBLE_EQ(four.int8_operations, 2.0 * kHidden * (kVocab + 4 * kHidden));
  EXPECT_EQ(one.f32_operations, 0);
}

TEST(BenchWork, ExpertsAreThoseThatChanceTouches) {
  const TinyModel tiny(4);
  const double matrix = static_cast<double>(dtype_bytes(DType::q8_0, kHidden * kHidden));
  const double rest = work_of_step(tiny.model, {.rows = 0, .outputs = 0}).weight_bytes;
  const auto experts = [&](int64_t rows) {
    const StepWork work = work_of_step(tiny.model, {.rows = rows, .outputs = 0});
    const double lookups = static_cast<double>(rows * dtype_bytes(DType::q8_0, kHidden));
    return (work.weight_bytes - rest - lookups) / (2 * matrix);
  };
  EXPECT_DOUBLE_EQ(experts(1), 2);
  EXPECT_DOUBLE_EQ(experts(2), 3);
  EXPECT_NEAR(experts(50), 4, 1e-6);
}

TEST(BenchWork, FloorIsTheSlowerOfMemoryAndArithmetic) {
  const StepWork work{
      .weight_bytes = 3e9, .state_bytes = 1e9, .int8_operations = 1e12, .f32_operations = 1e9};
  EXPECT_DOUBLE_EQ(floor_ms(work, {.bytes_per_s = 4e9, .int8_per_s = 4e12, .f32_per_s = 4e9}),
                   1000);
  EXPECT_DOUBLE_EQ(floor_ms(work, {.bytes_per_s = 4e10, .int8_per_s = 4e12, .f32_per_s = 4e9}),
                   500);
  EXPECT_EQ(floor_ms(work, {}), 0);
}

}  // namespace
}  // namespace troika::cli
