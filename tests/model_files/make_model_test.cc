// What make_model accepts, what it makes of it, and how it refuses the rest.
#include <gtest/gtest.h>

#include <algorithm>
#include <variant>

#include "model_files/make_tiny.h"

namespace troika::testing {
namespace {

TEST(MakeModelTest, LlamaIsWhatItsFileSays) {
  const Result<Model> model = make(tiny_llama());
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model->info.layers, 2);
  EXPECT_EQ(model->info.vocab, 50);
  EXPECT_FALSE(model->info.recurrent);
  EXPECT_FALSE(model->info.draft_head);
  EXPECT_EQ(model->states.size(), 2u);
  EXPECT_EQ(weight(*model, "blk.0.attn_output.weight").split.leaves.size(),
            2u);  // two KV-head groups of 32
  EXPECT_EQ(weight(*model, "blk.0.ffn_down.weight").split.leaves.size(),
            3u);  // 96 rows in runs of 32
  EXPECT_EQ(weight(*model, "blk.0.attn_q.weight").split.leaves.size(), 1u);
}

TEST(MakeModelTest, WithoutAnOutputMatrixTheEmbeddingIsTied) {
  TinyFile f = tiny_llama();
  f.tensors.erase("output.weight");
  const Result<Model> model = make(f);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(weight(*model, "token_embd.weight").use, WeightUse::matmul_lookup);
}

TEST(MakeModelTest, FusedAttentionRowsAreThreeWeightsOfOneTensor) {
  TinyFile f = tiny_llama();
  for (const char* name : {"blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight"})
    f.tensors.erase(name);
  f.tensors["blk.0.attn_qkv.weight"] = {{128, 64}};
  const Result<Model> model = make(f);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(
      std::ranges::count_if(model->weights,
                            [](const WeightInfo& w) { return w.name == "blk.0.attn_qkv.weight"; }),
      3);
}

TEST(MakeModelTest, BiasesAreTakenWhereTheFileHasThem) {
  TinyFile f = tiny_llama();
  f.tensors["blk.1.attn_q.bias"] = {{64}};
  const Result<Model> model = make(f);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(
      std::ranges::count_if(model->trunk.nodes(),
                            [](const Node& n) { return std::holds_alternative<AddBias>(n.op); }),
      1);
}

TEST(MakeModelTest, HybridHasItsStatesAndDraftHead) {
  const Result<Model> model = make(tiny_qwen35());
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model->info.layers, 2);
  EXPECT_TRUE(model->info.recurrent);
  ASSERT_TRUE(model->info.draft_head);
  EXPECT_EQ(model->states.size(),
            1 + 4 + 1 + 1u);  // hidden; three convolutions and a delta rule; KV; the head's KV
  EXPECT_TRUE(weight(*model, "blk.2.attn_q.weight").draft_head);
  EXPECT_FALSE(weight(*model, "blk.1.attn_q.weight").draft_head);
  EXPECT_EQ(weight(*model, "blk.0.ssm_out.weight").split.leaves.size(), 2u);
}

TEST(MakeModelTest, TheDraftHeadCanBeLeftOut) {
  const Result<Model> model = make(tiny_qwen35(), {.draft_head = false});
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_FALSE(model->info.draft_head);
  EXPECT_FALSE(model->draft.has_value());
}

TEST(MakeModelTest, ATrunkThatDeclaresAHeadItDoesNotCarryIsATrunk) {
  TinyFile f = tiny_qwen35();
  std::erase_if(f.tensors, [](const auto& t) { return t.first.starts_with("blk.2."); });
  const Result<Model> model = make(f);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_FALSE(model->info.draft_head);
}

TEST(MakeModelTest, TheHeadMayHaveEndsOfItsOwn) {
  TinyFile f = tiny_qwen35();
  f.tensors["blk.2.nextn.embed_tokens.weight"] = {{50, 64}};
  f.tensors["blk.2.nextn.shared_head_head.weight"] = {{50, 64}};
  f.tensors.erase("blk.2.nextn.shared_head_norm.weight");
  EXPECT_TRUE(make(f).ok());
}

TEST(MakeModelTest, RecurrentLayersCanBeListed) {
  TinyFile f = tiny_qwen35();
  f.keys["full_attention_interval"] = 77;
  f.keys["attention.recurrent_layers"] = std::vector<int>{1, 0, 0};
  EXPECT_TRUE(make(f).ok());
  f.keys["attention.recurrent_layers"] = std::vector<int>{1, 0};
  expect_refused(f, ErrorCode::corrupt,
                 "qwen35.attention.recurrent_layers has 2 entries, wanted 3");
}

TEST(MakeModelTest, UnknownArchitecturesAreNamedWithTheKnownOnes) {
  TinyFile f = tiny_llama();
  f.architecture = "mamba\x1b[31m";
  expect_refused(f, ErrorCode::unsupported,
                 "architecture \"mamba\\x1b[31m\" is not supported; supported are llama");
}

TEST(MakeModelTest, AllThatIsWrongWithTensorsIsToldAtOnce) {
  TinyFile f = tiny_llama();
  f.tensors.erase("blk.0.attn_q.weight");
  f.tensors["blk.1.ffn_down.weight"] = {{64, 95}};
  expect_refused(f, ErrorCode::not_found, "tensor blk.0.attn_q.weight is missing");
  expect_refused(f, ErrorCode::not_found,
                 "tensor blk.1.ffn_down.weight is [64, 95], wanted [64, 96]");
}

TEST(MakeModelTest, TypesWithoutADecoderAreNamed) {
  TinyFile f = tiny_llama();
  f.tensors["blk.0.ffn_up.weight"] = {{96, 64}, DType::i8};
  expect_refused(f, ErrorCode::unsupported,
                 "tensor blk.0.ffn_up.weight is of type i8, supported are f32, f16");
  f = tiny_llama();
  f.tensors["blk.0.attn_norm.weight"] = {{64}, DType::q8_0};
  expect_refused(f, ErrorCode::unsupported,
                 "tensor blk.0.attn_norm.weight is of type q8_0, wanted f32, f16 or bf16");
}

TEST(MakeModelTest, MissingAndAbsurdKeysAreNamed) {
  for (const char* key :
       {"block_count", "embedding_length", "attention.head_count", "context_length",
        "feed_forward_length", "attention.layer_norm_rms_epsilon"}) {
    TinyFile f = tiny_llama();
    f.keys.erase(key);
    expect_refused(f, ErrorCode::not_found, std::string("llama.") + key);
  }
  const std::pair<const char*, int> absurd[] = {{"block_count", 0},
                                                {"block_count", 100000},
                                                {"embedding_length", -64},
                                                {"attention.head_count", 0},
                                                {"attention.head_count_kv", 3},
                                                {"rope.dimension_count", 17},
                                                {"rope.dimension_count", 15},
                                                {"context_length", -1},
                                                {"attention.key_length", 1 << 20}};
  for (const auto& [key, value] : absurd) {
    TinyFile f = tiny_llama();
    f.keys[key] = value;
    const Result<Model> model = make(f);
    EXPECT_FALSE(model.ok()) << key << " = " << value;
  }
}

TEST(MakeModelTest, SizesThatDisagreeWithEachOtherAreRefused) {
  TinyFile f = tiny_qwen35();
  f.keys["ssm.inner_size"] = 96;
  expect_refused(f, ErrorCode::corrupt, "ssm sizes do not fit");
  f = tiny_qwen35();
  f.keys["nextn_predict_layers"] = 2;
  expect_refused(f, ErrorCode::unsupported, "2 draft layers in 3 blocks");
  f = tiny_qwen35();
  f.keys["attention.value_length"] = 16;
  expect_refused(f, ErrorCode::unsupported, "value heads of 16 beside key heads of 32");
}

TEST(MakeModelTest, RopeScalingIsReadOrRefused) {
  TinyFile f = tiny_llama();
  f.keys["rope.scaling.type"] = std::string("linear");
  f.keys["rope.scaling.factor"] = 4.0;
  f.keys["rope.freq_base"] = 10000.0;
  const Result<Model> linear = make(f);
  ASSERT_TRUE(linear.ok()) << linear.error().message();
  const auto rope = std::ranges::find_if(
      linear->trunk.nodes(), [](const Node& n) { return std::holds_alternative<Rope>(n.op); });
  const RopeOptions& options = std::get<Rope>(rope->op).options;
  ASSERT_EQ(options.frequencies.size(), 8u);
  EXPECT_DOUBLE_EQ(options.frequencies[0], 0.25);
  EXPECT_NEAR(options.frequencies[4], 0.25 / 100, 1e-12);
  f.keys["rope.scaling.type"] = std::string("longrope");
  expect_refused(f, ErrorCode::unsupported, "llama.rope.scaling.type is \"longrope\"");
  f = tiny_llama();
  f.tensors["rope_freqs.weight"] = {{8}};  // zeros
  expect_refused(f, ErrorCode::corrupt, "rope_freqs.weight[0] is 0");
}

TEST(MakeModelTest, YarnKeepsFastPairsAndStretchesSlowOnes) {
  TinyFile f = tiny_llama();
  f.keys["rope.scaling.type"] = std::string("yarn");
  f.keys["rope.scaling.factor"] = 4.0;
  f.keys["rope.scaling.original_context_length"] = 4096;
  const Result<Model> model = make(f);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto rope = std::ranges::find_if(
      model->trunk.nodes(), [](const Node& n) { return std::holds_alternative<Rope>(n.op); });
  const RopeOptions& options = std::get<Rope>(rope->op).options;
  EXPECT_DOUBLE_EQ(options.frequencies[0], 1);  // many turns over the trained length: as trained
  EXPECT_NEAR(options.frequencies[7], std::pow(10000, -14.0 / 16) / 4,
              1e-12);  // under one turn: stretched
  EXPECT_NEAR(options.magnitude, 1 + 0.1 * std::log(4.0), 1e-6);
}

}  // namespace
}  // namespace troika::testing
