#include "device/cpu/cpu_device.h"

#include <gtest/gtest.h>

#include <bit>
#include <functional>

#include "support/ops_rig.h"
#include "support/random_blocks.h"

namespace troika {
namespace {

using testing::OpRig;
using testing::random_floats;
using testing::StepInputs;

/// A device that shares every step among its threads, however small.
std::unique_ptr<Device> cpu(int threads, Isa isa = Isa::avx512, int64_t shared_work_min = 0) {
  auto device =
      make_cpu_device({.threads = threads, .isa_max = isa, .shared_work_min = shared_work_min});
  EXPECT_TRUE(device.ok());
  return std::move(device).value();
}

constexpr int64_t kHidden = 48;
constexpr int64_t kVocab = 40;
constexpr int64_t kKvHeads = 2;
constexpr int64_t kHeadDim = 16;
constexpr int64_t kPages = 40;
constexpr int64_t kSlots = 3;
constexpr int64_t kLogTokens = 4;
constexpr int64_t kHiddenUnits = 1000;

/// A layer of each kind over one embedding: attention, convolution and delta rule, hidden rows.
class SmallModel {
 public:
  explicit SmallModel(Device& device)
      : rig(device, {.kv_dtype = DType::f16, .log_tokens = kLogTokens}) {
    Graph& g = rig.graph;
    const Tensor x = g.embed(matrix(Axis::vocab, kVocab, 1, kHidden, WeightUse::lookup));
    const Tensor before =
        g.load_rows(hidden_ = rig.state(HiddenState{kHidden}, kHiddenUnits), kHidden);
    Tensor h = g.rms_norm(g.add(x, before), rig.vector(random_floats(kHidden, 50)), 1e-5F);
    h = attend(h);
    h = g.add(recur(h), x);
    g.store_rows(h, hidden_);
    const Tensor logits =
        g.matmul(matrix(Axis::vocab, kVocab, 1, kHidden, WeightUse::matmul), g.gather_rows(h));
    g.output(Output::logits, logits);
    g.output(Output::argmax, g.argmax(logits));
  }

  OpRig rig;
  Status compile() { return rig.compile({.tokens = 800, .outputs = 16, .sequences = 3}); }

 private:
  Weight matrix(Axis axis, int64_t units, int64_t width, int64_t inputs, WeightUse use) {
    auto values = random_floats(units * width * inputs, seed_++);
    for (float& v : values) v *= 0.2F;
    return rig.floats({-1, axis, units, width, inputs}, use, values);
  }
  Tensor product(Tensor x, Axis axis, int64_t units, int64_t width) {
    return rig.graph.matmul(matrix(axis, units, width, x.spec.elements(), WeightUse::matmul), x);
  }

  Tensor attend(Tensor h) {
    Graph& g = rig.graph;
    RopeOptions rope;
    for (int i = 0; i < 4; i++) rope.frequencies.push_back(1.0 / (1 << (3 * i)));
    const State kv = rig.state(KvState{kKvHeads, kHeadDim, kHeadDim}, kPages);
    const Tensor k = g.rope(product(h, Axis::kv_heads, kKvHeads, kHeadDim), rope);
    g.kv_write(k, product(h, Axis::kv_heads, kKvHeads, kHeadDim), kv);
    const Tensor q = g.rope(product(h, Axis::heads, 4, kHeadDim), rope);
    const Tensor o = g.attention(
        {.q = q, .state = kv, .kv_heads = kKvHeads, .value_dim = kHeadDim, .scale = 0.25F});
    return g.add(h, product(o, Axis::hidden, 1, kHidden));
  }

  Tensor conv(Tensor h, Axis axis, int64_t units, int64_t width) {
    Graph& g = rig.graph;
    const Weight taps = matrix(Axis::hidden, 1, units * width, 4, WeightUse::vector);
    return g.causal_conv(product(h, axis, units, width), taps,
                         rig.state(ConvState{units * width, 4}, kSlots));
  }

  Tensor recur(Tensor h) {
    Graph& g = rig.graph;
    const Tensor q = g.l2_norm(conv(h, Axis::k_heads, 2, 8), 1e-6F, 0.3F);
    const Tensor k = g.l2_norm(conv(h, Axis::k_heads, 2, 8), 1e-6F, 1);
    const Tensor o =
        g.gated_delta_rule({.q = q,
                            .k = k,
                            .v = conv(h, Axis::v_heads, 4, 20),
                            .decay_in = product(h, Axis::v_heads, 4, 1),
                            .beta_in = product(h, Axis::v_heads, 4, 1),
                            .a = rig.vector(std::vector<float>{-0.5F, -1, -0.1F, -2}),
                            .decay_bias = rig.vector(std::vector<float>{0.1F, 0, 0.2F, -0.3F}),
                            .state = rig.state(DeltaState{4, 8, 20}, kSlots)});
    return product(g.swiglu(o, o), Axis::hidden, 1, kHidden);
  }

  State hidden_;
  uint32_t seed_ = 1;
};

/// What one sequence does in a step: `rows` tokens of its text from `position` on.
struct Part {
  int32_t slot = 0;
  int32_t position = 0;
  int32_t rows = 0;
  int32_t certain = 0;
  int32_t replay = 0;
};

/// A step of several sequences. Only the last row of each is wanted.
StepInputs step_of(const std::vector<Part>& parts) {
  StepInputs in;
  for (const Part& p : parts) {
    in.spans.push_back({.row_begin = static_cast<int32_t>(in.token_ids.size()),
                        .rows = p.rows,
                        .position = p.position,
                        .page_begin = static_cast<int32_t>(in.page_table.size()),
                        .state_slot = p.slot,
                        .replay = p.replay,
                        .certain = p.certain,
                        .fresh = p.position == 0 ? 1 : 0});
    for (int32_t i = 0; i < p.rows; i++) {
      const int32_t position = p.position + i;
      in.token_ids.push_back((position * 7 + p.slot * 3 + position / 5) % kVocab);
      in.positions.push_back(position);
      in.hidden_in.push_back(-1);
      in.hidden_out.push_back(static_cast<int32_t>(in.hidden_out.size()));
    }
    in.output_rows.push_back(static_cast<int32_t>(in.token_ids.size()) - 1);
    for (int32_t page = 0; page < 13; page++) in.page_table.push_back(p.slot * 13 + 12 - page);
  }
  return in;
}

/// Runs the steps on a new model; the rows wanted of the last step.
std::vector<float> last_rows(Device& device, const std::vector<std::vector<Part>>& steps) {
  SmallModel model(device);
  const Status compiled = model.compile();
  EXPECT_TRUE(compiled.ok()) << compiled.error().message();
  std::vector<float> rows;
  for (const auto& parts : steps) {
    auto result = model.rig.run(step_of(parts));
    EXPECT_TRUE(result.ok()) << result.error().message();
    if (result.ok()) rows = std::move(*result);
  }
  return rows;
}

void expect_same_bits(std::span<const float> got, std::span<const float> want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); i++) {
    ASSERT_FALSE(std::isnan(want[i]));
    ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(want[i])) << i;
  }
}

class CpuDeviceTest : public ::testing::TestWithParam<Isa> {};

// 700 tokens are two partitions: with few heads, threads share the partitions of a tile.
TEST_P(CpuDeviceTest, ThreadsDoNotChangeBits) {
  const std::vector<std::vector<Part>> steps{{{0, 0, 700, 700}}, {{0, 700, 1, 1}}};
  const auto want = last_rows(*cpu(1, GetParam()), steps);
  for (const int threads : {2, 3, 5})
    expect_same_bits(last_rows(*cpu(threads, GetParam()), steps), want);
  for (const int64_t shared_work_min : {int64_t{1} << 19, INT64_MAX})  // some steps alone, all
    expect_same_bits(last_rows(*cpu(2, GetParam(), shared_work_min), steps), want);
}

TEST_P(CpuDeviceTest, ChunksDoNotChangeBits) {
  const auto device = cpu(2, GetParam());
  const auto want = last_rows(*device, {{{0, 0, 70, 70}}});
  expect_same_bits(last_rows(*device, {{{0, 0, 1, 1}}, {{0, 1, 63, 63}}, {{0, 64, 6, 6}}}), want);
  expect_same_bits(last_rows(*device, {{{0, 0, 69, 69}}, {{0, 69, 1, 1}}}), want);
}

TEST_P(CpuDeviceTest, BatchMatesDoNotChangeBits) {
  const auto device = cpu(2, GetParam());
  const auto want = last_rows(*device, {{{1, 0, 30, 30}}, {{1, 30, 3, 3}}});
  const auto got = last_rows(
      *device, {{{0, 0, 100, 100}, {1, 0, 30, 30}}, {{2, 0, 5, 5}, {1, 30, 3, 3}, {0, 100, 1, 1}}});
  expect_same_bits(std::span(got).subspan(kVocab, kVocab), want);
}

TEST_P(CpuDeviceTest, DraftsAndReplaysDoNotChangeBits) {
  const auto device = cpu(2, GetParam());
  const auto want = last_rows(*device, {{{0, 0, 20, 20}}, {{0, 20, 6, 6}}});
  // Two of four drafts are right; the two wrong ones are done again.
  expect_same_bits(last_rows(*device, {{{0, 0, 20, 20}}, {{0, 20, 5, 1}}, {{0, 23, 3, 1, 2}}}),
                   want);
}

TEST_P(CpuDeviceTest, TokensWithoutASequenceAreNothing) {
  const auto device = cpu(2, GetParam());
  SmallModel model(*device);
  ASSERT_TRUE(model.compile().ok());
  StepInputs in = step_of({{0, 0, 4, 4}});
  in.spans[0].rows = in.spans[0].certain = 3;
  EXPECT_TRUE(model.rig.run(in).ok());
}

INSTANTIATE_TEST_SUITE_P(Isas, CpuDeviceTest, ::testing::ValuesIn(kIsas),
                         [](const auto& isa) { return std::string(isa_name(isa.param)); });

struct BadStep {
  const char* words;  // that the message must contain
  std::function<void(StepInputs&)> spoil;
};

TEST(CpuDeviceRefusalTest, BadInputsAreNamedAndNothingIsComputed) {
  const BadStep steps[] = {
      {"token_ids[2] is 40", [](StepInputs& in) { in.token_ids[2] = kVocab; }},
      {"token_ids[0] is -1", [](StepInputs& in) { in.token_ids[0] = -1; }},
      {"positions[1]", [](StepInputs& in) { in.positions[1] = -5; }},
      {"positions", [](StepInputs& in) { in.positions.pop_back(); }},
      {"output_rows[0] is 5", [](StepInputs& in) { in.output_rows[0] = 5; }},
      {"hidden_in[0] is 1000", [](StepInputs& in) { in.hidden_in[0] = kHiddenUnits; }},
      {"hidden_out[4]", [](StepInputs& in) { in.hidden_out[4] = -1; }},
      {"page_table[0] is 40", [](StepInputs& in) { in.page_table[0] = kPages; }},
      {"pages [0, +1) of a page table of 0", [](StepInputs& in) { in.page_table.clear(); }},
      {"spans[0]: rows", [](StepInputs& in) { in.spans[0].rows = 6; }},
      {"spans[0]: rows", [](StepInputs& in) { in.spans[0].position = INT32_MAX - 2; }},
      {"row 0 is in span 0 too", [](StepInputs& in) { in.spans.push_back(in.spans[0]); }},
      {"state slot 3", [](StepInputs& in) { in.spans[0].state_slot = kSlots; }},
      {"the log holds 4", [](StepInputs& in) { in.spans[0].certain = 0; }},
      {"the log holds 4", [](StepInputs& in) { in.spans[0].certain = 6; }},
      {"5 to replay", [](StepInputs& in) { in.spans[0].replay = 5; }},
      {"into a fresh state", [](StepInputs& in) { in.spans[0].replay = 1; }},
      {"17 outputs, compiled for 0 to 16", [](StepInputs& in) { in.output_rows.resize(17); }}};
  const auto device = cpu(2);
  SmallModel model(*device);
  ASSERT_TRUE(model.compile().ok());
  const auto want = model.rig.run(step_of({{0, 0, 5, 5}}));
  ASSERT_TRUE(want.ok());
  for (const BadStep& step : steps) {
    StepInputs in = step_of({{0, 0, 5, 5}});
    step.spoil(in);
    const auto got = model.rig.run(in);
    ASSERT_FALSE(got.ok()) << step.words;
    EXPECT_EQ(got.error().code(), ErrorCode::invalid_argument);
    EXPECT_NE(got.error().message().find(step.words), std::string::npos) << got.error().message();
  }
}

TEST(CpuDeviceRefusalTest, MemoryHasALimit) {
  auto made = make_cpu_device({.threads = 1, .memory = HostAllocator(1 << 20)});
  ASSERT_TRUE(made.ok());
  Device& device = **made;
  EXPECT_EQ(device.info().memory_bytes, 1 << 20);
  EXPECT_EQ(device.allocate(2 << 20).error().code(), ErrorCode::exhausted);
  EXPECT_EQ(device.allocate(-1).error().code(), ErrorCode::invalid_argument);
  const auto state = device.allocate_state(KvState{8, 128, 128}, {}, INT64_MAX / 4096);
  EXPECT_EQ(state.error().code(), ErrorCode::exhausted);
  EXPECT_EQ(device.allocate_state(HiddenState{8}, {.kv_dtype = DType::q4_0}, 1).error().code(),
            ErrorCode::unsupported);
  SmallModel model(device);
  const Status status = model.rig.compile({.tokens = 1 << 20, .outputs = 1, .sequences = 1});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::exhausted) << status.error().message();
}

TEST(CpuDeviceRefusalTest, TypesThatCannotBeImportedAreNamed) {
  const auto device = cpu(1);
  const std::vector<std::byte> bytes(256 * 34 / 32);
  WeightInfo info{.name = "blk.0.norm", .dtype = DType::q8_0, .use = WeightUse::vector};
  info.weight = {0, Axis::hidden, 1, 256, 1};
  info.data = bytes;
  const auto vector = device->import_weight(info);
  ASSERT_FALSE(vector.ok());
  EXPECT_EQ(vector.error().code(), ErrorCode::unsupported);
  for (const char* word : {"blk.0.norm", "q8_0", "vector", "cpu"})
    EXPECT_NE(vector.error().message().find(word), std::string::npos) << vector.error().message();
  info.use = WeightUse::lookup;
  info.weight.inputs = 256;
  EXPECT_EQ(device->import_weight(info).error().code(), ErrorCode::invalid_argument);
}

TEST(CpuDeviceRefusalTest, RangesOfBuffersAreChecked) {
  const auto device = cpu(1);
  auto buffer = device->allocate(100);
  ASSERT_TRUE(buffer.ok());
  std::vector<std::byte> host(60, std::byte{7});
  EXPECT_TRUE(device->write({buffer->get(), 40}, host).ok());
  EXPECT_FALSE(device->write({buffer->get(), 41}, host).ok());
  EXPECT_FALSE(device->write({buffer->get(), -1}, host).ok());
  EXPECT_FALSE(device->read({nullptr, 0}, host).ok());
  EXPECT_FALSE(device->copy({buffer->get(), 0}, {buffer->get(), 20}, 21).ok());
  const auto copied = device->copy({buffer->get(), 40}, {buffer->get(), 0}, 40);
  ASSERT_TRUE(copied.ok());
  std::vector<std::byte> back(1);
  const auto read = device->read({buffer->get(), 39}, back);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(device->wait(*read).ok());
  EXPECT_EQ(back[0], std::byte{7});
  EXPECT_FALSE(device->wait({read->number + 1}).ok());
}

TEST(CpuDeviceRefusalTest, WhatAnotherDeviceMadeIsRefused) {
  const auto device = cpu(1);
  const auto other = cpu(1);
  Graph graph;
  graph.rms_norm(graph.load_rows({0}, 8), {0, Axis::hidden, 1, 8, 1}, 1);
  auto program = other->compile(Graph(), {}, {});
  ASSERT_TRUE(program.ok());
  EXPECT_EQ(device->run(**program, {}).error().code(), ErrorCode::invalid_argument);
  const auto missing = device->compile(graph, {.tokens = 1}, {});
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message().find("load_rows"), std::string::npos);
}

TEST(CpuDeviceRefusalTest, NonsenseThreads) {
  EXPECT_EQ(make_cpu_device({.threads = -1}).error().code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace troika
