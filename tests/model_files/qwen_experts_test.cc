// qwen3moe and qwen35moe: what make_model makes of their files and refuses.
#include "model_files/make_tiny.h"

namespace troika::testing {
namespace {

/// Two blocks of 4 experts of 32, 2 of them used.
TinyFile tiny_qwen3moe() {
  TinyFile f = tiny_llama();
  f.architecture = "qwen3moe";
  f.keys["expert_count"] = 4;
  f.keys["expert_used_count"] = 2;
  f.keys["expert_feed_forward_length"] = 32;
  for (const std::string at : {"blk.0.", "blk.1."}) {
    put_experts(f, at, 4, 32);
    f.tensors[at + "attn_q_norm.weight"] = {{16}};
    f.tensors[at + "attn_k_norm.weight"] = {{16}};
  }
  return f;
}

void put_shared_expert(TinyFile& f, const std::string& at, int64_t ffn) {
  f.tensors[at + "ffn_gate_inp_shexp.weight"] = {{64}};
  f.tensors[at + "ffn_gate_shexp.weight"] = {{ffn, 64}};
  f.tensors[at + "ffn_up_shexp.weight"] = {{ffn, 64}};
  f.tensors[at + "ffn_down_shexp.weight"] = {{64, ffn}};
}

/// tiny_qwen35 with 6 experts of 32, 3 of them used, and a shared one of 64 in every block.
TinyFile tiny_qwen35moe() {
  TinyFile f = tiny_qwen35();
  f.architecture = "qwen35moe";
  f.keys.erase("feed_forward_length");
  f.keys["expert_count"] = 6;
  f.keys["expert_used_count"] = 3;
  f.keys["expert_feed_forward_length"] = 32;
  f.keys["expert_shared_feed_forward_length"] = 64;
  for (const std::string at : {"blk.0.", "blk.1.", "blk.2."}) {
    put_experts(f, at, 6, 32);
    put_shared_expert(f, at, 64);
  }
  return f;
}

int64_t count_routers(const Graph& graph) {
  return std::ranges::count_if(
      graph.nodes(), [](const Node& n) { return std::holds_alternative<RouterTopK>(n.op); });
}

TEST(QwenExpertsTest, EveryBlockChoosesAmongExperts) {
  const Result<Model> model = make(tiny_qwen3moe());
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model->info.architecture, "qwen3moe");
  EXPECT_EQ(model->info.experts, 4);
  EXPECT_EQ(model->info.experts_used, 2);
  EXPECT_EQ(count_routers(model->trunk), 2);
  const RouterOptions wanted{.used = 2, .gating = Gating::softmax, .normalise = true};
  EXPECT_EQ(router_of(model->trunk), wanted);
  EXPECT_EQ(weight(*model, "blk.0.ffn_up_exps.weight").weight.rows(), 4 * 32);
}

TEST(QwenExpertsTest, AnExpertIsItsShareOfTheFeedForwardWhereItsSizeIsNotGiven) {
  TinyFile f = tiny_qwen3moe();
  f.keys.erase("expert_feed_forward_length");
  for (const char* at : {"blk.0.", "blk.1."}) put_experts(f, at, 4, 96 / 2);
  EXPECT_TRUE(make(f).ok());
  f.keys["expert_used_count"] = 4;
  expect_refused(f, ErrorCode::corrupt, "tensor blk.0.ffn_gate_exps.weight is [4, 48, 64]");
  f.keys["feed_forward_length"] = 3;
  expect_refused(f, ErrorCode::corrupt, "qwen3moe.expert_feed_forward_length is 0");
  f.keys.erase("feed_forward_length");
  expect_refused(f, ErrorCode::not_found, "qwen3moe.feed_forward_length");
}

TEST(QwenExpertsTest, TheHybridHasExpertsInTrunkAndDraftHead) {
  const Result<Model> model = make(tiny_qwen35moe());
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model->info.layers, 2);
  EXPECT_EQ(model->info.experts, 6);
  EXPECT_EQ(model->info.experts_used, 3);
  EXPECT_TRUE(model->info.recurrent);
  ASSERT_TRUE(model->info.draft_head);
  EXPECT_EQ(count_routers(model->trunk), 2);
  EXPECT_EQ(count_routers(*model->draft), 1);
  const RouterOptions wanted{.used = 3, .gating = Gating::softmax, .normalise = true};
  EXPECT_EQ(router_of(*model->draft), wanted);
  EXPECT_TRUE(weight(*model, "blk.2.ffn_down_exps.weight").draft_head);
  EXPECT_TRUE(weight(*model, "blk.2.ffn_down_shexp.weight").draft_head);
  EXPECT_FALSE(weight(*model, "blk.1.ffn_down_shexp.weight").draft_head);
  EXPECT_EQ(weight(*model, "blk.1.ffn_down_shexp.weight").split.leaves.size(), 2U);  // runs of 32
}

TEST(QwenExpertsTest, TheDraftHeadAndItsExpertsCanBeLeftOut) {
  const Result<Model> model = make(tiny_qwen35moe(), {.draft_head = false});
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_FALSE(model->draft.has_value());
  EXPECT_EQ(std::ranges::count_if(model->weights,
                                  [](const WeightInfo& w) { return w.name.starts_with("blk.2."); }),
            0);
}

TEST(QwenExpertsTest, TheSharedExpertIsAsLargeAsTheFeedForwardWhereItsSizeIsNotGiven) {
  TinyFile f = tiny_qwen35moe();
  f.keys.erase("expert_shared_feed_forward_length");
  expect_refused(f, ErrorCode::not_found, "qwen35moe.feed_forward_length");
  f.keys["feed_forward_length"] = 64;
  EXPECT_TRUE(make(f).ok());
}

TEST(QwenExpertsTest, CountsThatMakeNoSenseAreNamed) {
  struct Bad {
    const char* key;
    int value;
    const char* text;
  };
  const Bad bad[] = {{"expert_count", 0, "expert_count is 0, wanted 1 to 512"},
                     {"expert_count", 513, "expert_count is 513, wanted 1 to 512"},
                     {"expert_count", INT32_MAX, "expert_count is 2147483647, wanted 1 to 512"},
                     {"expert_count", -1, "expert_count is -1"},
                     {"expert_used_count", 0, "expert_used_count is 0, wanted 1 to"},
                     {"expert_used_count", 7, "expert_used_count is 7, wanted 1 to"},
                     {"expert_used_count", -3, "expert_used_count is -3"},
                     {"expert_feed_forward_length", 0, "expert_feed_forward_length is 0"},
                     {"expert_feed_forward_length", INT32_MAX, "expert_feed_forward_length is 214"},
                     {"expert_feed_forward_length", -32, "expert_feed_forward_length is -32"}};
  for (const TinyFile& good : {tiny_qwen3moe(), tiny_qwen35moe()})
    for (const auto& [key, value, text] : bad) {
      TinyFile f = good;
      f.keys[key] = value;
      expect_refused(f, ErrorCode::corrupt, f.architecture + "." + text);
    }
  for (const int value : {0, -64, INT32_MAX}) {
    TinyFile f = tiny_qwen35moe();
    f.keys["expert_shared_feed_forward_length"] = value;
    expect_refused(f, ErrorCode::corrupt, "qwen35moe.expert_shared_feed_forward_length is");
  }
}

TEST(QwenExpertsTest, MissingCountsAreNamed) {
  for (const TinyFile& good : {tiny_qwen3moe(), tiny_qwen35moe()})
    for (const char* key : {"expert_count", "expert_used_count"}) {
      TinyFile f = good;
      f.keys.erase(key);
      expect_refused(f, ErrorCode::not_found, f.architecture + "." + key);
    }
}

TEST(QwenExpertsTest, MissingAndMisshapenTensorsAreNamed) {
  const TinyFile good = tiny_qwen35moe();
  for (const std::string at : {"blk.0.", "blk.2."})
    for (const char* name :
         {"ffn_gate_inp", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps", "ffn_gate_inp_shexp",
          "ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp"}) {
      const std::string tensor = at + name + ".weight";
      TinyFile f = good;
      f.tensors.erase(tensor);
      expect_refused(f, ErrorCode::not_found, "tensor " + tensor + " is missing");
      f = good;
      f.tensors[tensor].shape.back()++;
      expect_refused(f, ErrorCode::corrupt, "tensor " + tensor + " is [");
      f = good;
      f.tensors[tensor].dtype = DType::i8;
      expect_refused(f, ErrorCode::unsupported, "tensor " + tensor + " is of type i8");
    }
  TinyFile f = tiny_qwen3moe();
  f.tensors.erase("blk.1.attn_q_norm.weight");
  expect_refused(f, ErrorCode::not_found, "tensor blk.1.attn_q_norm.weight is missing");
}

}  // namespace
}  // namespace troika::testing
