// The specification against numbers that can be checked on paper, and its refusals.
#include "device/reference/reference_device.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/ops_rig.h"

namespace troika {
namespace {

using testing::OpRig;
using testing::StepInputs;

class ReferenceDeviceTest : public ::testing::Test {
 protected:
  std::unique_ptr<Device> device_ = make_reference_device();
};

constexpr Sizes kSizes{.tokens = 8, .outputs = 8, .sequences = 4};

void expect_near(const Result<std::vector<float>>& got, const std::vector<float>& wanted) {
  ASSERT_TRUE(got.ok()) << got.error().message();
  ASSERT_EQ(got->size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); i++) EXPECT_NEAR((*got)[i], wanted[i], 1e-6) << i;
}

TEST_F(ReferenceDeviceTest, EmbedMatmulAndArgmax) {
  OpRig rig(*device_);
  const Tensor x = rig.input(std::vector<float>{1, 2, 3, 4}, Axis::hidden, 1, 2);
  const Weight w = rig.floats({-1, Axis::vocab, 3, 1, 2}, WeightUse::matmul,
                              std::vector<float>{1, 0, 0, 1, 1, 0});
  const Tensor y = rig.graph.matmul(w, rig.graph.gather_rows(x));
  rig.graph.output(Output::logits, y);
  rig.graph.output(Output::argmax, rig.graph.argmax(y));
  ASSERT_TRUE(rig.compile(kSizes).ok());
  const StepInputs step{.token_ids = {1, 0, 1}, .output_rows = {1, 2}};
  expect_near(rig.run(step), {1, 2, 1, 3, 4, 3});
  EXPECT_EQ(rig.run_argmax(step).value(), (std::vector<int32_t>{1, 1}));
}

TEST_F(ReferenceDeviceTest, ArgmaxTakesTheLowestOfEqualFloats) {
  OpRig rig(*device_);
  // 1 + 2^-30 is the larger number, but not the larger float32.
  const Tensor x = rig.input(std::vector<float>{1, 0x1p-30F}, Axis::hidden, 1, 2);
  const Weight w = rig.floats({-1, Axis::vocab, 3, 1, 2}, WeightUse::matmul,
                              std::vector<float>{0, 1, 1, 0, 1, 1});
  rig.graph.output(Output::argmax, rig.graph.argmax(rig.graph.matmul(w, x)));
  ASSERT_TRUE(rig.compile(kSizes).ok());
  EXPECT_EQ(rig.run_argmax({.token_ids = {0}}).value(), (std::vector<int32_t>{1}));
}

TEST_F(ReferenceDeviceTest, NormsWorkOnEachUnit) {
  OpRig rig(*device_);
  const Tensor x = rig.input(std::vector<float>{3, 4, 6, 8}, Axis::heads, 2, 2);
  const Tensor rms = rig.graph.rms_norm(x, rig.vector(std::vector<float>{1, 2}), 0);
  rig.graph.output(Output::logits, rig.graph.concat(rms, rig.graph.l2_norm(x, 1e-6F, 10)));
  ASSERT_TRUE(rig.compile(kSizes).ok());
  const float root = std::sqrt(12.5F);
  expect_near(rig.run({.token_ids = {0}}), {3 / root, 8 / root, 6, 8, 3 / root, 8 / root, 6, 8});
}

TEST_F(ReferenceDeviceTest, RopeTurnsPairsAndPassesTheRest) {
  const float c = std::cos(1.5F);
  const float s = std::sin(1.5F);
  for (const RopePairs pairs : {RopePairs::adjacent, RopePairs::halves}) {
    OpRig rig(*device_);
    const Tensor x = rig.input(std::vector<float>{1, 2, 3, 4, 5}, Axis::heads, 1, 5);
    rig.graph.output(Output::logits, rig.graph.rope(x, {pairs, {0.5, 0}, 2}));
    ASSERT_TRUE(rig.compile(kSizes).ok());
    const auto y = rig.run({.token_ids = {0}, .positions = {3}});
    if (pairs == RopePairs::adjacent)
      expect_near(y, {2 * (c - 2 * s), 2 * (s + 2 * c), 6, 8, 5});
    else
      expect_near(y, {2 * (c - 3 * s), 4, 2 * (s + 3 * c), 8, 5});
  }
}

TEST_F(ReferenceDeviceTest, ElementwiseOps) {
  OpRig rig(*device_);
  Graph& g = rig.graph;
  const Tensor a = rig.input(std::vector<float>{0, 2}, Axis::hidden, 1, 2);
  const Tensor b = rig.input(std::vector<float>{5, -1}, Axis::hidden, 1, 2);
  Tensor all = g.concat(g.add(a, b), g.add_bias(a, rig.vector(std::vector<float>{1, 1})));
  all = g.concat(all, g.swiglu(a, b));
  all = g.concat(all, g.gate(b, a, GateFunction::sigmoid));
  all = g.concat(all, g.gate(b, a, GateFunction::silu));
  g.output(Output::logits, g.concat(all, g.slice(b, 1, 1)));
  ASSERT_TRUE(rig.compile(kSizes).ok());
  const float sigmoid2 = 1 / (1 + std::exp(-2.0F));
  expect_near(rig.run({.token_ids = {0}}),
              {5, 1, 1, 3, 0, -2 * sigmoid2, 2.5, -sigmoid2, 0, -2 * sigmoid2, -1});
}

/// Routes rows of four logits; the pairs (id, weight) of a row.
Result<std::vector<float>> route(Device& device, const std::vector<float>& logits,
                                 const RouterOptions& options,
                                 const std::vector<float>& bias = {}) {
  OpRig rig(device);
  RouterTopK op{.logits = rig.input(logits, Axis::experts, 4, 1), .options = options};
  if (!bias.empty()) op.selection_bias = rig.vector(bias);
  rig.graph.output(Output::logits, rig.graph.router_top_k(op).chosen);
  TROIKA_RETURN_IF_ERROR(rig.compile(kSizes));
  return rig.run({.token_ids = {0}});
}

TEST_F(ReferenceDeviceTest, RouterTakesTheBestFirstAndTheLowestOfEquals) {
  const float l2 = std::log(2.0F);  // scores 1 : 2 : 2 : 4 of 9
  const std::vector<float> logits = {0, l2, l2, 2 * l2};
  expect_near(route(*device_, logits, {.used = 3}), {3, 4.F / 9, 1, 2.F / 9, 2, 2.F / 9});
  expect_near(route(*device_, logits, {.used = 2, .normalise = true, .scale = 3}), {3, 2, 1, 1});
  expect_near(route(*device_, logits, {.used = 2, .gating = Gating::softmax_chosen}),
              {3, 2.F / 3, 1, 1.F / 3});
  expect_near(route(*device_, logits, {.used = 1, .gating = Gating::sigmoid}), {3, 0.8F});
  // Weights that vanish are not blown up.
  expect_near(route(*device_, {-40, -40, -40, -40},
                    {.used = 1, .gating = Gating::sigmoid, .normalise = true}),
              {0, 0});
}

TEST_F(ReferenceDeviceTest, RouterBiasChoosesAndGroupsBound) {
  const float l2 = std::log(2.0F);
  const std::vector<float> logits = {0, l2, l2, 2 * l2};
  expect_near(route(*device_, logits, {.used = 2}, {1, 0, 0, 0}), {0, 1.F / 9, 3, 4.F / 9});
  // Groups {0, 1} and {2, 3}: the best expert is in the first, the better pair is the second.
  expect_near(
      route(*device_, {3, 0, 2, 2}, {.used = 2, .gating = Gating::softmax_chosen, .groups = 2}),
      {2, 0.5, 3, 0.5});
}

TEST_F(ReferenceDeviceTest, ExpertsMultiplyAndAreSummedByWeight) {
  OpRig rig(*device_);
  const std::vector<float> pairs = {2, 0.5, 0, 10, 1, 1, 2, 1};  // rows: experts 2, 0 and 1, 2
  const Routing routing{rig.input(pairs, Axis::chosen, 2, 2), 3};
  const Tensor x = rig.input(std::vector<float>{1, 2, 3, 4}, Axis::hidden, 1, 2);
  // Expert e has rows [e + 1, 0] and [0, 1].
  const std::vector<float> w = {1, 0, 0, 1, 2, 0, 0, 1, 3, 0, 0, 1};
  const Tensor h = rig.graph.expert_matmul(
      rig.floats({-1, Axis::ffn, 2, 1, 2, 3}, WeightUse::experts, w), x, routing);
  const Tensor y = rig.graph.expert_sum(
      rig.floats({-1, Axis::hidden, 1, 2, 2, 3}, WeightUse::experts, w), h, routing);
  rig.graph.output(Output::logits, y);
  ASSERT_TRUE(rig.compile(kSizes).ok());
  // Row 0: h = (3, 2), (1, 2); y = 0.5 (9, 2) + 10 (1, 2). Row 1: h = (6, 4), (9, 4).
  expect_near(rig.run({.token_ids = {0, 1}}), {14.5, 21, 12 + 27, 8});
}

TEST_F(ReferenceDeviceTest, ExpertsThatAreNotThereAreRefused) {
  for (const float id : {3.F, -1.F, NAN}) {
    OpRig rig(*device_);
    const Routing routing{rig.input(std::vector<float>{id, 1}, Axis::chosen, 1, 2), 3};
    const Tensor x = rig.input(std::vector<float>{1}, Axis::hidden, 1, 1);
    rig.graph.output(Output::logits, rig.graph.expert_matmul(
                                         rig.floats({-1, Axis::ffn, 1, 1, 1, 3}, WeightUse::experts,
                                                    std::vector<float>{1, 2, 3}),
                                         x, routing));
    ASSERT_TRUE(rig.compile(kSizes).ok());
    const auto got = rig.run({.token_ids = {0}});
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), ErrorCode::invalid_argument);
  }
}

TEST_F(ReferenceDeviceTest, AttentionMixesTheKeysBeforeAndOfTheRow) {
  OpRig rig(*device_, {.kv_dtype = DType::f32});
  const State kv = rig.state(KvState{1, 1, 1}, 2);
  const Tensor k = rig.input(std::vector<float>{0, std::log(3.0F)}, Axis::kv_heads, 1, 1);
  const Tensor v = rig.input(std::vector<float>{8, 4}, Axis::kv_heads, 1, 1);
  const Tensor q = rig.input(std::vector<float>{1, 2, 1, 2}, Axis::heads, 2, 1);
  rig.graph.kv_write(k, v, kv);
  rig.graph.output(
      Output::logits,
      rig.graph.attention({.q = q, .state = kv, .kv_heads = 1, .value_dim = 1, .scale = 1}));
  ASSERT_TRUE(rig.compile(kSizes).ok());
  // Keys weigh 1 : 3 for the first query head, 1 : 9 for the second.
  const StepInputs both{.token_ids = {0, 1}, .spans = {{.rows = 2}}, .page_table = {1}};
  expect_near(rig.run(both), {8, 8, 5, 4.4F});
  const StepInputs second{
      .token_ids = {1}, .spans = {{.rows = 1, .position = 1}}, .page_table = {1}};
  expect_near(rig.run(second), {5, 4.4F});
}

TEST_F(ReferenceDeviceTest, KeysAreReadAsStored) {
  OpRig rig(*device_, {.kv_dtype = DType::f16});
  const State kv = rig.state(KvState{1, 1, 1}, 1);
  const Tensor x = rig.input(std::vector<float>{1 + 0x1p-12F}, Axis::heads, 1, 1);
  rig.graph.kv_write(x, x, kv);
  rig.graph.output(Output::logits,
                   rig.graph.attention({.q = x, .state = kv, .kv_heads = 1, .value_dim = 1}));
  ASSERT_TRUE(rig.compile(kSizes).ok());
  EXPECT_EQ(rig.run({.token_ids = {0}, .spans = {{.rows = 1}}, .page_table = {0}}).value(),
            std::vector<float>{1});
}

TEST_F(ReferenceDeviceTest, HiddenRowsAreLoadedFromBeforeTheStep) {
  OpRig rig(*device_);
  const State hidden = rig.state(HiddenState{1}, 2);
  const Tensor x = rig.input(std::vector<float>{7, 9}, Axis::hidden, 1, 1);
  rig.graph.store_rows(x, hidden);
  rig.graph.output(Output::logits, rig.graph.load_rows(hidden, 1));
  ASSERT_TRUE(rig.compile(kSizes).ok());
  StepInputs step{.token_ids = {0, 1}, .hidden_in = {-1, -1}, .hidden_out = {1, 0}};
  expect_near(rig.run(step), {0, 0});
  step = {.token_ids = {1, 1}, .hidden_in = {1, 0}, .hidden_out = {0, 1}};
  expect_near(rig.run(step), {7, 9});
  expect_near(rig.run(step), {9, 9});
}

float silu(float x) {
  return x / (1 + std::exp(-x));
}

TEST_F(ReferenceDeviceTest, ConvolutionReplaysTheLoggedInputs) {
  OpRig rig(*device_, {.log_tokens = 2});
  const State state = rig.state(ConvState{1, 3}, 1);
  const Tensor x = rig.input(std::vector<float>{1, 2, 4, 8}, Axis::hidden, 1, 1);
  const Weight taps =
      rig.floats({-1, Axis::hidden, 1, 1, 3}, WeightUse::vector, std::vector<float>{100, 10, 1});
  rig.graph.output(Output::logits, rig.graph.causal_conv(x, taps, state));
  ASSERT_TRUE(rig.compile(kSizes).ok());
  expect_near(rig.run({.token_ids = {0, 1, 2}, .spans = {{.rows = 3, .certain = 1, .fresh = 1}}}),
              {silu(1), silu(12), silu(124)});
  // One of two logged tokens was right: the history is 1, 2.
  expect_near(rig.run({.token_ids = {3}, .spans = {{.rows = 1, .replay = 1, .certain = 1}}}),
              {silu(128)});
}

TEST_F(ReferenceDeviceTest, DeltaRuleFollowsItsFormula) {
  OpRig rig(*device_);
  const State state = rig.state(DeltaState{1, 1, 1}, 1);
  const auto one = [&](float x) {
    return rig.input(std::vector<float>{x, x}, Axis::v_heads, 1, 1);
  };
  const Tensor v = rig.input(std::vector<float>{4, 6}, Axis::v_heads, 1, 1);
  // softplus(0) = ln 2 and a = -1 give a decay of 1/2; beta_in = 0 gives 1/2.
  rig.graph.output(Output::logits,
                   rig.graph.gated_delta_rule({.q = one(3),
                                               .k = one(1),
                                               .v = v,
                                               .decay_in = one(-5),
                                               .beta_in = one(0),
                                               .a = rig.vector(std::vector<float>{-1}),
                                               .decay_bias = rig.vector(std::vector<float>{5}),
                                               .state = state}));
  ASSERT_TRUE(rig.compile(kSizes).ok());
  // M = (4 - 0) / 2 = 2, then 1 + (6 - 1) / 2 = 3.5.
  expect_near(rig.run({.token_ids = {0, 1}, .spans = {{.rows = 2, .certain = 2, .fresh = 1}}}),
              {6, 10.5F});
}

TEST_F(ReferenceDeviceTest, RefusesTypesItCannotDecode) {
  const std::vector<std::byte> data(36);
  const auto weight = device_->import_weight({.name = "blk.0.x",
                                              .dtype = DType::q8_1,
                                              .weight = {0, Axis::hidden, 1, 1, 32},
                                              .data = data});
  ASSERT_FALSE(weight.ok());
  EXPECT_EQ(weight.error().code(), ErrorCode::unsupported);
  EXPECT_EQ(weight.error().message(), "blk.0.x: type q8_1 is not supported on reference");
  EXPECT_FALSE(device_->supports(MatMul{}, DType::q8_1));
  EXPECT_TRUE(device_->supports(MatMul{}, DType::q8_0));
  EXPECT_TRUE(device_->supports(Attention{}, DType::f16));
  EXPECT_TRUE(device_->supports(Attention{}, DType::q8_0));
  EXPECT_FALSE(device_->supports(Attention{}, DType::q4_0));
}

TEST_F(ReferenceDeviceTest, RefusesWeightsOfOtherLengths) {
  const std::vector<std::byte> data(12);
  const auto weight =
      device_->import_weight({.name = "x", .weight = {0, Axis::hidden, 1, 2, 2}, .data = data});
  ASSERT_FALSE(weight.ok());
  EXPECT_EQ(weight.error().message(), "x: 12 bytes are not [2, 2] of f32");
}

TEST_F(ReferenceDeviceTest, WeightsTakeAFloatForEachValue) {
  const WeightInfo weight{.name = "x", .dtype = DType::q4_0, .weight = {0, Axis::hidden, 5, 2, 64}};
  EXPECT_EQ(device_->weight_bytes(weight), 5 * 2 * 64 * 4);
}

TEST_F(ReferenceDeviceTest, RefusesValuesThatAreNotFinite) {
  const float values[4] = {1, 2, NAN, 4};
  const WeightInfo info{.name = "blk.1.x",
                        .weight = {0, Axis::hidden, 1, 2, 2},
                        .data = std::as_bytes(std::span(values))};
  EXPECT_TRUE(device_->import_weight(info).ok());
  const auto weight = device_->import_weight(info, {.must_be_finite = true});
  ASSERT_FALSE(weight.ok());
  EXPECT_EQ(weight.error().code(), ErrorCode::corrupt);
  EXPECT_EQ(weight.error().message(), "blk.1.x: value 2 of 4 is nan, want finite f32 data");
}

TEST_F(ReferenceDeviceTest, RefusesTransfersBeyondTheBuffer) {
  const auto buffer = device_->allocate(16).value();
  const auto other = device_->allocate(8).value();
  std::vector<std::byte> bytes(12);
  const auto refused = [](const Result<Event>& event) {
    return !event.ok() && event.error().code() == ErrorCode::invalid_argument;
  };
  EXPECT_TRUE(device_->write({buffer.get(), 4}, bytes).ok());
  EXPECT_TRUE(refused(device_->write({buffer.get(), 5}, bytes)));
  EXPECT_TRUE(refused(device_->write({buffer.get(), -1}, bytes)));
  EXPECT_TRUE(refused(device_->write({}, bytes)));
  EXPECT_TRUE(refused(device_->read({buffer.get(), INT64_MAX}, bytes)));
  EXPECT_TRUE(device_->copy({buffer.get(), 8}, {other.get(), 0}, 8).ok());
  EXPECT_TRUE(refused(device_->copy({buffer.get(), 0}, {other.get(), 0}, 9)));
  EXPECT_TRUE(refused(device_->copy({buffer.get(), 0}, {buffer.get(), 4}, 8)));
  EXPECT_FALSE(device_->wait({100}).ok());
}

TEST_F(ReferenceDeviceTest, RefusesMoreMemoryThanThereIs) {
  auto small = make_reference_device(HostAllocator(1000));
  EXPECT_EQ(small->allocate(1001).error().code(), ErrorCode::exhausted);
  EXPECT_EQ(small->allocate_state(HiddenState{1}, {}, 251).error().code(), ErrorCode::exhausted);
  EXPECT_EQ(small->allocate_state(HiddenState{1}, {}, INT64_MAX).error().code(),
            ErrorCode::exhausted);
  EXPECT_EQ(small->allocate_state(KvState{1, 1, 1}, {.kv_dtype = DType::q4_0}, 1).error().code(),
            ErrorCode::unsupported);
}

TEST_F(ReferenceDeviceTest, RefusesGraphsThatDoNotFitTheirResources) {
  Graph graph;
  const Tensor x = graph.embed({0, Axis::vocab, 4, 1, 2});
  graph.store_rows(x, State{0});
  EXPECT_EQ(device_->compile(graph, kSizes, {}).error().message(), "op 0 (embed): weight 0 of 0");

  OpRig rig(*device_);
  rig.graph.embed(
      rig.floats({-1, Axis::vocab, 2, 1, 2}, WeightUse::lookup, std::vector<float>{1, 2, 3, 4}));
  rig.graph.embed({0, Axis::vocab, 3, 1, 2});
  EXPECT_EQ(rig.compile(kSizes).error().message(),
            "op 1 (embed): weight weight.0 is [2, 2], wanted [3, 2]");

  OpRig wrong_state(*device_);
  wrong_state.graph.load_rows(wrong_state.state(HiddenState{3}, 1), 2);
  EXPECT_EQ(wrong_state.compile(kSizes).error().message(),
            "op 0 (load_rows): state state.0 has other sizes than the op");
}

TEST_F(ReferenceDeviceTest, RefusesInputsThatPointNowhere) {
  OpRig rig(*device_, {.log_tokens = 1});
  const State kv = rig.state(KvState{1, 1, 1}, 1);
  const State conv = rig.state(ConvState{1, 2}, 1);
  const Tensor x = rig.input(std::vector<float>{1, 2}, Axis::kv_heads, 1, 1);
  rig.graph.kv_write(x, x, kv);
  const Weight taps =
      rig.floats({-1, Axis::hidden, 1, 1, 2}, WeightUse::vector, std::vector<float>{1, 2});
  rig.graph.output(Output::logits, rig.graph.gather_rows(rig.graph.causal_conv(x, taps, conv)));
  ASSERT_TRUE(rig.compile({.tokens = 2, .outputs = 1, .sequences = 1}).ok());
  const StepInputs good{.token_ids = {0, 1},
                        .spans = {{.rows = 2, .certain = 1, .fresh = 1}},
                        .page_table = {0},
                        .output_rows = {1}};
  EXPECT_TRUE(rig.run(good).ok());
  const auto refused = [&](auto change) {
    StepInputs bad = good;
    change(bad);
    const auto result = rig.run(bad);
    return !result.ok() && result.error().code() == ErrorCode::invalid_argument;
  };
  EXPECT_TRUE(refused([](StepInputs& s) { s.token_ids[0] = 2; }));
  EXPECT_TRUE(refused([](StepInputs& s) { s.token_ids[0] = -1; }));
  EXPECT_TRUE(refused([](StepInputs& s) { s.token_ids.push_back(0); }));  // not compiled for
  EXPECT_TRUE(refused([](StepInputs& s) { s.output_rows[0] = 2; }));
  EXPECT_TRUE(refused([](StepInputs& s) { s.page_table[0] = 1; }));
  EXPECT_TRUE(refused([](StepInputs& s) { s.page_table.clear(); }));
  EXPECT_TRUE(refused([](StepInputs& s) { s.spans[0].rows = 3; }));
  EXPECT_TRUE(refused([](StepInputs& s) { s.spans[0].row_begin = 1; }));
  EXPECT_TRUE(refused([](StepInputs& s) { s.spans[0].position = 63; }));  // a second page
  EXPECT_TRUE(refused([](StepInputs& s) { s.spans[0].state_slot = 1; }));
  EXPECT_TRUE(refused([](StepInputs& s) { s.spans[0].certain = 0; }));  // 2 to log, room for 1
  EXPECT_TRUE(refused([](StepInputs& s) { s.spans[0].replay = 1; }));   // a fresh state has no log
}

}  // namespace
}  // namespace troika
