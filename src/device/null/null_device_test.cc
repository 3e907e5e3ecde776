// The null device over small graphs: its answers, its refusals, its clock and its sums.
#include "device/null/null_device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/ops_rig.h"

namespace troika {
namespace {

using testing::OpRig;
using testing::StepInputs;

constexpr int64_t kVocab = 48;
constexpr Sizes kSizes{.tokens = 8, .outputs = 8, .sequences = 4};

/// Embeds, attends over pages, keeps rows, and chooses tokens.
struct Rig {
  explicit Rig(Device& device, int64_t blocks = 0) : ops(device) {
    const std::vector<float> table(kVocab * 32);
    Tensor x = ops.input(table, Axis::kv_heads, 1, 32);
    x = ops.graph.rope(x, {RopePairs::halves, {1}, 1});
    ops.graph.kv_write(x, x, ops.state(KvState{1, 32, 32}, 3));
    const Tensor rows = ops.graph.gather_rows(x);
    const Weight w = ops.floats({-1, Axis::vocab, kVocab, 1, 32}, WeightUse::matmul, table);
    if (blocks > 0) {
      const Tensor logits = ops.graph.matmul_blocks(w, rows, blocks);
      ops.graph.output(Output::logits, logits);
      ops.graph.output(Output::argmax, ops.graph.block_row(ops.graph.argmax(logits), blocks));
    } else {
      const Tensor logits = ops.graph.matmul(w, rows);
      ops.graph.output(Output::logits, logits);
      ops.graph.output(Output::argmax, ops.graph.argmax(logits));
    }
    status = ops.compile(kSizes);
  }

  std::string refusal(const StepInputs& step) {
    const auto result = ops.run_argmax(step);
    return result.ok() ? "" : result.error().message();
  }

  OpRig ops;
  Status status;
};

/// Two sequences: rows at 5, 6 of the first and at 70 of the second.
StepInputs good_step() {
  return {.token_ids = {1, 2, 3},
          .positions = {5, 6, 70},
          .spans = {{.row_begin = 0, .rows = 2, .position = 5, .page_begin = 0, .certain = 2},
                    {.row_begin = 2, .rows = 1, .position = 70, .page_begin = 1, .certain = 1}},
          .page_table = {0, 1, 2},
          .output_rows = {1, 2}};
}

TEST(NullDevice, AnswersByTokenAndPosition) {
  const auto device = make_null_device({.seed = 7});
  Rig rig(*device);
  ASSERT_TRUE(rig.status.ok()) << rig.status.error().message();
  const std::vector<int32_t> wanted = {null_answer(7, 2, 6, kVocab), null_answer(7, 3, 70, kVocab)};
  EXPECT_EQ(rig.ops.run_argmax(good_step()).value(), wanted);
  StepInputs alone = good_step();
  alone.output_rows = {2};
  EXPECT_EQ(rig.ops.run_argmax(alone).value(), std::vector{wanted[1]});
  const std::vector<float> logits = rig.ops.run(good_step()).value();
  ASSERT_EQ(std::ssize(logits), 2 * kVocab);
  for (int64_t row = 0; row < 2; row++) {
    const auto begin = logits.begin() + row * kVocab;
    EXPECT_EQ(std::max_element(begin, begin + kVocab) - begin, wanted[static_cast<size_t>(row)]);
    EXPECT_EQ(std::count(begin, begin + kVocab, 0.0F), kVocab - 1);
  }
}

TEST(NullDevice, AnswersSpreadOverTheTokensThatExist) {
  std::vector<int> seen(10);
  for (int32_t position = 0; position < 1000; position++)
    seen[static_cast<size_t>(null_answer(1, 5, position, 10))]++;
  EXPECT_GT(*std::ranges::min_element(seen), 60);
  EXPECT_LT(*std::ranges::max_element(seen), 140);
  const auto device = make_null_device({.tokens = 2});
  Rig rig(*device);
  for (int32_t position = 0; position < 30; position++) {
    StepInputs step = good_step();
    step.positions[2] = position;
    const std::vector<int32_t> ids = rig.ops.run_argmax(step).value();
    for (const int32_t id : ids) EXPECT_LT(id, 2);
  }
}

TEST(NullDevice, AnswersFromTheNamedBlocks) {
  const auto device = make_null_device();
  Rig rig(*device, 2);
  ASSERT_TRUE(rig.status.ok()) << rig.status.error().message();
  StepInputs step = good_step();
  step.row_blocks = {0, 2};
  for (int32_t position = 0; position < 40; position++) {
    step.positions[2] = position;
    const std::vector<int32_t> ids = rig.ops.run_argmax(step).value();
    const std::vector<float> logits = rig.ops.run(step).value();
    for (int64_t i = 0; i < 2; i++) {
      const auto begin = logits.begin() + i * 32;
      const int64_t column = std::max_element(begin, begin + 32) - begin;
      EXPECT_EQ(ids[static_cast<size_t>(i)], column < 16 ? column : column + 16);
    }
  }
  step.row_blocks = {0, 3};
  EXPECT_EQ(rig.refusal(step), "row block 3, wanted 0 to 2");
}

TEST(NullDevice, RefusesStepsThatNameWhatIsNotThere) {
  const auto device = make_null_device();
  Rig rig(*device);
  ASSERT_EQ(rig.refusal(good_step()), "");
  const auto refused = [&](auto change) {
    StepInputs step = good_step();
    change(step);
    return rig.refusal(step);
  };
  EXPECT_EQ(refused([](auto& s) { s.token_ids[1] = kVocab; }), "token 48, wanted 0 to 47");
  EXPECT_NE(refused([](auto& s) { s.positions[0] = -1; }).find("position -1"), std::string::npos);
  EXPECT_EQ(refused([](auto& s) { s.output_rows[1] = 3; }), "output row 3, wanted 0 to 2");
  EXPECT_EQ(refused([](auto& s) { s.page_table[2] = 3; }), "page 3, wanted 0 to 2");
  EXPECT_EQ(refused([](auto& s) { s.spans[1].page_begin = 2; }),
            "71 positions with pages from entry 2 of a table of 3");
  EXPECT_NE(refused([](auto& s) { s.spans[0].rows = 4; }).find("span of rows [0, +4) of 3"),
            std::string::npos);
  EXPECT_EQ(refused([](auto& s) { s.page_table[2] = 0; }),
            "page 0 is written by sequences 0 and 1 of a step");
  EXPECT_EQ(refused([](auto& s) { s.token_ids.resize(9); }), "9 tokens, compiled for 0 to 8");
}

TEST(NullDevice, TakesTheTimeThatItIsTold) {
  double clock_ms = 100;
  std::vector<NullRun> runs;
  const auto device = make_null_device({.run_ms =
                                            [&](const NullRun& run) {
                                              runs.push_back(run);
                                              return 2.0 * static_cast<double>(run.tokens);
                                            },
                                        .clock_ms = &clock_ms});
  Rig rig(*device);
  ASSERT_EQ(rig.refusal(good_step()), "");
  EXPECT_EQ(clock_ms, 106);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_FALSE(runs[0].draft);
  EXPECT_EQ(runs[0].tokens, 3);
  EXPECT_EQ(runs[0].outputs, 2);
  EXPECT_EQ(runs[0].sequences, 2);
  const NullTotals totals = device->totals();
  EXPECT_EQ(totals.runs, 1);
  EXPECT_EQ(totals.draft_runs, 0);
  EXPECT_EQ(totals.rows, 3);
  EXPECT_EQ(totals.outputs, 2);
}

TEST(NullDevice, CountsWhatItWouldHold) {
  const auto device = make_null_device({.memory_bytes = int64_t{1} << 40});
  {
    const auto state =
        device->allocate_state(KvState{8, 128, 128}, {.kv_dtype = DType::f16}, 1 << 20).value();
    EXPECT_EQ(device->totals().state_bytes, int64_t{1} << 38);  // nothing of it is there
    const WeightInfo weight{
        .name = "w", .dtype = DType::q8_0, .weight = {0, Axis::vocab, 1 << 20, 1, 1 << 15}};
    const auto imported = device->import_weight(weight).value();
    EXPECT_EQ(device->totals().weight_bytes, (int64_t{1} << 30) * 34);
    const auto more = device->allocate_state(KvState{8, 128, 128}, {}, 1 << 23);
    EXPECT_EQ(more.error().code(), ErrorCode::exhausted);
    const auto plain = device->allocate(100).value();
    EXPECT_EQ(device->totals().buffer_bytes, 100);
  }
  EXPECT_EQ(device->totals().state_bytes + device->totals().weight_bytes, 0);
  EXPECT_EQ(device->totals().buffer_bytes, 0);
  EXPECT_FALSE(device->allocate(-1).ok());
  EXPECT_FALSE(device->allocate_state(KvState{1, 31, 31}, {.kv_dtype = DType::q8_0}, 1).ok());
}

TEST(NullDevice, CopiesWhatIsThereAndChecksTheRest) {
  const auto device = make_null_device();
  const auto a = device->allocate(8).value();
  const auto b = device->allocate(8).value();
  const auto state = device->allocate_state(HiddenState{4}, {}, 2).value();
  const std::vector<std::byte> ones(8, std::byte{1});
  std::vector<std::byte> got(8);
  ASSERT_TRUE(device->write({a.get(), 0}, ones).ok());
  ASSERT_TRUE(device->copy({a.get(), 0}, {b.get(), 0}, 8).ok());
  ASSERT_TRUE(device->wait(device->read({b.get(), 0}, got).value()).ok());
  EXPECT_EQ(got, ones);
  ASSERT_TRUE(device->copy({a.get(), 0}, {state.get(), 24}, 8).ok());
  ASSERT_TRUE(device->copy({state.get(), 24}, {b.get(), 0}, 8).ok());
  ASSERT_TRUE(device->read({b.get(), 0}, got).ok());
  EXPECT_EQ(got, std::vector<std::byte>(8));
  EXPECT_FALSE(device->copy({a.get(), 0}, {state.get(), 25}, 8).ok());
  EXPECT_FALSE(device->copy({a.get(), 0}, {a.get(), 4}, 8).ok());
  EXPECT_FALSE(device->read({a.get(), 1}, got).ok());
  EXPECT_FALSE(device->write({nullptr, 0}, ones).ok());
  EXPECT_FALSE(device->wait({99}).ok());
}

}  // namespace
}  // namespace troika
