// Files with experts in place of the feed-forward: what make_model makes of them and refuses.
#include <gtest/gtest.h>

#include <algorithm>

#include "model/registry.h"
#include "model_files/tiny_file.h"

namespace troika::testing {
namespace {

/// tiny_llama with 4 experts of 96, 2 of them used.
TinyFile tiny_experts() {
  TinyFile f = tiny_llama();
  f.keys["expert_count"] = 4;
  f.keys["expert_used_count"] = 2;
  for (const std::string at : {"blk.0.", "blk.1."}) {
    for (const char* name : {"ffn_gate", "ffn_up", "ffn_down"})
      f.tensors.erase(at + name + ".weight");
    f.tensors[at + "ffn_gate_inp.weight"] = {{4, 64}};
    f.tensors[at + "ffn_gate_exps.weight"] = {{4, 96, 64}};
    f.tensors[at + "ffn_up_exps.weight"] = {{4, 96, 64}};
    f.tensors[at + "ffn_down_exps.weight"] = {{4, 64, 96}};
  }
  return f;
}

Result<Model> make(const TinyFile& tiny) {
  const std::vector<std::byte> bytes = tiny.bytes();
  TROIKA_TRY(const gguf::File file, gguf::File::parse(bytes, "tiny.gguf"));
  Result<Model> model = make_model(file, {});
  if (model.ok())
    for (WeightInfo& weight : model->weights) weight.data = {};  // the bytes die with this function
  return model;
}

void expect_refused(const TinyFile& tiny, ErrorCode code, std::string_view text) {
  const Result<Model> model = make(tiny);
  ASSERT_FALSE(model.ok()) << "wanted: " << text;
  EXPECT_EQ(model.error().code(), code) << model.error().message();
  EXPECT_NE(model.error().message().find(text), std::string::npos) << model.error().message();
}

const RouterTopK& router(const Model& model) {
  const auto node = std::ranges::find_if(
      model.trunk.nodes(), [](const Node& n) { return std::holds_alternative<RouterTopK>(n.op); });
  return std::get<RouterTopK>(node->op);
}

TEST(ExpertsTest, StacksSplitLikeTheMatricesInThem) {
  const Result<Model> model = make(tiny_experts());
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto down =
      std::ranges::find(model->weights, "blk.1.ffn_down_exps.weight", &WeightInfo::name);
  ASSERT_NE(down, model->weights.end());
  EXPECT_EQ(down->use, WeightUse::experts);
  EXPECT_EQ(down->weight.experts, 4);
  EXPECT_EQ(down->weight.rows(), 4 * 64);
  EXPECT_EQ(down->weight.inputs, 96);
  EXPECT_EQ(down->split.leaves.size(), 3u);  // 96 rows of an expert in runs of 32
  const RouterOptions wanted{.used = 2, .gating = Gating::softmax, .normalise = true};
  EXPECT_EQ(router(*model).options, wanted);
}

TEST(ExpertsTest, WeightsAreScaledWhereTheFileSaysSo) {
  TinyFile f = tiny_experts();
  f.keys["expert_weights_scale"] = 2.5;
  EXPECT_EQ(router(make(f).value()).options.scale, 2.5F);
  f.keys["expert_weights_scale"] = 0.0;
  EXPECT_EQ(router(make(f).value()).options.scale, 1);
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
