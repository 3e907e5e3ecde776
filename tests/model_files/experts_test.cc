// Files with experts in place of the feed-forward: what make_model makes of them and refuses.
#include "model_files/make_tiny.h"

namespace troika::testing {
namespace {

/// tiny_llama with 4 experts of 96, 2 of them used.
TinyFile tiny_experts() {
  TinyFile f = tiny_llama();
  f.keys["expert_count"] = 4;
  f.keys["expert_used_count"] = 2;
  for (const char* at : {"blk.0.", "blk.1."}) put_experts(f, at, 4, 96);
  return f;
}

TEST(ExpertsTest, StacksSplitLikeTheMatricesInThem) {
  const Result<Model> model = make(tiny_experts());
  ASSERT_TRUE(model.ok()) << model.error().message();
  const WeightInfo& down = weight(*model, "blk.1.ffn_down_exps.weight");
  EXPECT_EQ(down.use, WeightUse::experts);
  EXPECT_EQ(down.weight.experts, 4);
  EXPECT_EQ(down.weight.rows(), 4 * 64);
  EXPECT_EQ(down.weight.inputs, 96);
  EXPECT_EQ(down.split.leaves.size(), 3u);  // 96 rows of an expert in runs of 32
  const RouterOptions wanted{.used = 2, .gating = Gating::softmax, .normalise = true};
  EXPECT_EQ(router_of(model->trunk), wanted);
}

TEST(ExpertsTest, WeightsAreScaledWhereTheFileSaysSo) {
  TinyFile f = tiny_experts();
  f.keys["expert_weights_scale"] = 2.5;
  EXPECT_EQ(router_of(make(f).value().trunk).scale, 2.5F);
  f.keys["expert_weights_scale"] = 0.0;
  EXPECT_EQ(router_of(make(f).value().trunk).scale, 1);
}

TEST(ExpertsTest, OneExpertMayBeAPlainMatrix) {
  TinyFile f = tiny_experts();
  f.keys["expert_count"] = f.keys["expert_used_count"] = 1;
  for (const std::string at : {"blk.0.", "blk.1."}) {
    f.tensors[at + "ffn_gate_inp.weight"] = {{1, 64}};
    f.tensors[at + "ffn_gate_exps.weight"] = {{96, 64}};
    f.tensors[at + "ffn_up_exps.weight"] = {{1, 96, 64}};
    f.tensors[at + "ffn_down_exps.weight"] = {{64, 96}};
  }
  const Result<Model> model = make(f);
  EXPECT_TRUE(model.ok()) << model.error().message();
}

TEST(ExpertsTest, CountsThatMakeNoSenseAreNamed) {
  TinyFile f = tiny_experts();
  f.keys["expert_used_count"] = 5;
  expect_refused(f, ErrorCode::corrupt, "llama.expert_used_count is 5, wanted 1 to 4");
  f.keys["expert_used_count"] = 0;
  expect_refused(f, ErrorCode::corrupt, "llama.expert_used_count is 0, wanted 1 to 4");
  f.keys.erase("expert_used_count");
  expect_refused(f, ErrorCode::not_found, "llama.expert_used_count");
  f.keys["expert_count"] = 513;
  expect_refused(f, ErrorCode::corrupt, "llama.expert_count is 513, wanted 1 to 512");
  f.keys["expert_count"] = -1;
  expect_refused(f, ErrorCode::corrupt, "llama.expert_count is -1");
}

TEST(ExpertsTest, TensorsThatDoNotFitAreNamed) {
  TinyFile f = tiny_experts();
  f.tensors["blk.0.ffn_up_exps.weight"] = {{4, 95, 64}};
  expect_refused(f, ErrorCode::corrupt,
                 "tensor blk.0.ffn_up_exps.weight is [4, 95, 64], wanted [4, 96, 64]");
  f = tiny_experts();
  f.tensors["blk.0.ffn_down_exps.weight"] = {{4 * 64, 96}};
  expect_refused(f, ErrorCode::corrupt,
                 "tensor blk.0.ffn_down_exps.weight is [256, 96], wanted [4, 64, 96]");
  f = tiny_experts();
  f.tensors.erase("blk.1.ffn_gate_inp.weight");
  expect_refused(f, ErrorCode::not_found, "tensor blk.1.ffn_gate_inp.weight is missing");
}

}  // namespace
}  // namespace troika::testing
