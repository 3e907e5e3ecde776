// The parts that products over experts are made of: leaves one by one, stacks, and the router on
// what is not a number. Whole ops: tests/conformance.
#include "device/cpu/expert_jobs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "device/cpu/cpu_device.h"
#include "device/cpu/kernels/kernels_under_test.h"
#include "device/cpu/layouts.h"
#include "support/matmul_case.h"
#include "support/ops_rig.h"

namespace troika::cpu {
namespace {

/// The tree of kernels/matmul.h over one value of each leaf.
float tree_sum(const float* leaves, int64_t count) {
  if (count == 1) return *leaves;
  const int64_t left = (count + 1) / 2;
  return tree_sum(leaves, left) + tree_sum(leaves + left, count - left);
}

TEST(ExpertJobsTest, LeavesOneByOneMakeTheBitsOfTheWhole) {
  constexpr int64_t kRows = 40;
  for (const Isa isa : runnable_isas())
    for (const DType dtype : kPackedTypes)
      for (const int64_t leaves : {1, 2, 3, 5, 8}) {
        const int64_t block = std::max<int64_t>(4, dtype_info(dtype).block);
        const int64_t columns = 11 * block;
        RandomWeight weight(dtype, kRows, columns, 7);
        weight.info.split = scattered_split(columns, block, leaves);
        const auto matrix = pack_matrix(weight.info);
        ASSERT_TRUE(matrix.ok());
        const MatmulKernels kernels = matmul_kernels(isa);
        const Activations kind = activations_of(**matrix);
        const AlignedBytes x = test_memory(activation_bytes(kind, columns, 1));
        const AlignedBytes scratch = test_memory(matmul_scratch_bytes());
        const std::vector<float> input = normal_floats(columns, 8);
        quantize_activations(kernels, kind, input.data(), columns, columns, 1, 0, 1, x.data());
        std::vector<float> whole(kRows);
        matmul(kernels, **matrix, x.data(), 1, whole.data(), kRows, 0, 3, scratch.data());
        std::vector<std::vector<float>> parts;  // of strips 1 and 2
        for (int64_t leaf = 0; leaf < leaves; leaf++) {
          parts.emplace_back(kRows - kStripRows);
          matmul_leaf(kernels, **matrix, leaf, x.data(), 1, parts.back().data(), 0, 1, 3,
                      scratch.data());
        }
        for (size_t row = 0; row < parts[0].size(); row++) {
          std::vector<float> of_row;
          for (const auto& part : parts) of_row.push_back(part[row]);
          EXPECT_EQ(tree_sum(of_row.data(), leaves), whole[row + kStripRows])
              << dtype_info(dtype).name << " leaves " << leaves << " row " << row;
        }
      }
}

TEST(ExpertJobsTest, AStackHoldsEachMatrixAsIfItWereAlone) {
  constexpr int64_t kRows = 20;  // fills no strip
  constexpr int64_t kColumns = 64;
  RandomWeight stack(DType::q8_0, 3 * kRows, kColumns, 9);
  stack.info.weight = {.id = 0, .units = kRows, .width = 1, .inputs = kColumns, .experts = 3};
  stack.info.use = WeightUse::experts;
  const auto pool = ThreadPool::create(2);
  AlignedArena memory;
  const auto imported = import_weight(stack.info, {**pool, memory, "cpu", {}});
  ASSERT_TRUE(imported.ok()) << imported.error().message();
  const auto* experts = dynamic_cast<const PackedExperts*>(imported->get());
  ASSERT_NE(experts, nullptr);
  EXPECT_EQ(experts->experts(), 3);
  EXPECT_EQ(experts->rows(), 3 * kRows);
  RandomWeight flat(DType::q8_0, 3 * kRows, kColumns, 9);
  const auto matrix = pack_matrix(flat.info);
  std::vector<float> got(kColumns);
  std::vector<float> wanted(kColumns);
  for (int64_t row = 0; row < 3 * kRows; row++) {
    unpack_row((*experts)[row / kRows], row % kRows, got.data());
    unpack_row(**matrix, row, wanted.data());
    EXPECT_EQ(got, wanted) << row;
  }
}

TEST(ExpertJobsTest, ExpertsAddByRankInsideALeafAndThenLeavesAdd) {
  // Weights of one column each; what three experts make of two leaves, best first:
  //   leaf 0: (2^24 + 1) + 1 = 2^24    leaf 1: (1 + 1) - 2^24 = 2 - 2^24    together 2
  // Experts outermost make 3, the opposite order of experts 4.
  const std::vector<float> w = {0x1p24F, 1, 1, 1, 1, -0x1p24F};
  for (const Isa isa : runnable_isas()) {
    auto device = make_cpu_device({.threads = 1, .isa_max = isa});
    ASSERT_TRUE(device.ok());
    testing::OpRig rig(**device);
    const Weight stack = rig.weight({-1, Axis::hidden, 1, 1, 2, 3}, WeightUse::experts, DType::f32,
                                    std::as_bytes(std::span(w)), Split{{{{0, 1}}, {{1, 2}}}});
    const Tensor x = rig.input(std::vector<float>(6, 1), Axis::chosen, 3, 2);
    const Routing routing{rig.input(std::vector<float>{0, 1, 1, 1, 2, 1}, Axis::chosen, 3, 2), 3};
    rig.graph.output(Output::logits, rig.graph.expert_sum(stack, x, routing));
    ASSERT_TRUE(rig.compile({.tokens = 1, .outputs = 1, .sequences = 1}).ok());
    EXPECT_EQ(rig.run({.token_ids = {0}}).value(), std::vector<float>{2});
  }
}

TEST(ExpertJobsTest, RoutersChooseDistinctExpertsWhateverTheLogits) {
  const std::vector<std::vector<float>> rows = {
      {NAN, NAN, NAN, NAN, NAN, NAN},
      {1, NAN, 3, NAN, 2, NAN},
      {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY},
      {INFINITY, INFINITY, 0, 0, 0, -INFINITY}};
  for (const KernelTable& table : kernels_under_test())
    for (const auto& logits : rows)
      for (const RouterScores scores :
           {RouterScores::softmax, RouterScores::sigmoid, RouterScores::logits})
        for (const int64_t groups : {1, 3}) {
          std::vector<float> pairs(8, -1);
          table.moe.route({.logits = logits.data(),
                           .bias = nullptr,
                           .pairs = pairs.data(),
                           .experts = 6,
                           .used = 4,
                           .groups = groups,
                           .groups_used = (groups + 2) / 2,
                           .scores = scores,
                           .softmax_chosen = false,
                           .normalise = true,
                           .sum_min = kChosenSumMin,
                           .scale = 1});
          std::set<float> ids;
          for (size_t j = 0; j < 4; j++) {
            EXPECT_GE(pairs[2 * j], 0);
            EXPECT_LT(pairs[2 * j], 6);
            ids.insert(pairs[2 * j]);
          }
          EXPECT_EQ(ids.size(), 4u);
        }
}

}  // namespace
}  // namespace troika::cpu
