// Whole models on the Vulkan device, against the goldens that other implementations gave, and
// against themselves: however a text is computed, the bits are the same.
#include "support/models.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "device/vulkan/vulkan_device.h"
#include "engine/engine.h"
#include "engine/evaluate.h"
#include "support/generate.h"
#include "support/sanitized.h"

namespace troika::testing {
namespace {

// Activations stay float32, so the limit of float32 models holds for all (README.md of the
// fixtures).
constexpr double kLimit = 1e-3;

/// One device for all tests: a driver compiles its shaders once. Passes over a machine without one.
class VulkanModels : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    // Drivers keep memory until the end, which sanitizers take for lost.
    if (kSanitized) std::printf("passed over: vulkan, under sanitizers\n");
    if (kSanitized) return;
    auto made = make_vulkan_device();
    if (made.ok())
      device_ = std::move(*made);
    else
      std::printf("passed over: %s\n", made.error().message().c_str());
  }
  static void TearDownTestSuite() { device_.reset(); }

  static OpenModel open(const std::string& name) { return open_model(model_path(name), *device_); }

  static std::filesystem::path golden(const std::string& name) {
    return test_data("fixtures") / "models" / name;
  }

  /// A greedy answer of 24 tokens to the prompt of the model's fixture.
  static Written answer(const OpenModel& model, const std::vector<TokenId>& prompt,
                        int64_t chunk_tokens, SpecType type) {
    const int64_t vocab = model.loaded.model.info.vocab;
    auto engine = Engine::make(model.loaded, {.context = 256, .chunk_tokens = chunk_tokens},
                               {.tokens = vocab, .end_tokens = {}});
    EXPECT_TRUE(engine.ok()) << engine.error().message();
    Request request{.prompt = prompt,
                    .tokens_max = 24,
                    .speculation = {.type = type, .depth_max = 4, .ngram_min = 1}};
    request.sampling.temperature = 0;
    return write_text(**engine, std::move(request));
  }

  inline static std::unique_ptr<Device> device_;
};

void expect_close(const std::vector<float>& got, const Array& want) {
  ASSERT_EQ(got.size(), want.values.size());
  double worst = 0;
  for (size_t i = 0; i < got.size(); i++) {
    const double difference = std::abs(static_cast<double>(got[i]) - want.values[i]);
    ASSERT_TRUE(std::isfinite(difference)) << i;
    worst = std::max(worst, difference);
  }
  EXPECT_LE(worst, kLimit);
}

TEST_F(VulkanModels, LogitsAndDraftRowsAreThoseOfTheGoldens) {
  if (!device_) return;
  for (const char* name :
       {"llama-f32", "llama-q8_0", "llama-bf16", "llama-l3rope-f32", "k-llama-q4_k", "k-llama-q6_k",
        "qwen35-succ-f32", "qwen35-succ-q8_0", "k-qwen35-mix4k"}) {
    SCOPED_TRACE(name);
    const OpenModel model = open(name);
    const std::vector<TokenId> tokens = read_ids(golden(base_of(name) + ".tokens.txt"));
    std::vector<float> logits, drafts;
    const auto into = [](std::vector<float>& rows) {
      return [&rows](int64_t, std::span<const float> row) {
        rows.insert(rows.end(), row.begin(), row.end());
        return ok();
      };
    };
    const bool head = model.loaded.model.info.draft_head;
    const Status status =
        evaluate(model.loaded, tokens, {.chunk_tokens = 20, .kv_dtype = DType::f32}, into(logits),
                 head ? RowSink(into(drafts)) : RowSink());
    ASSERT_TRUE(status.ok()) << status.error().message();
    expect_close(logits, read_npy(golden(std::string(name) + ".logits.npy")));
    if (head) expect_close(drafts, read_npy(golden(std::string(name) + ".mtp.npy")));
  }
}

TEST_F(VulkanModels, GreedyTextsAreThoseOfTheGoldens) {
  if (!device_) return;
  for (const char* name : {"llama-f32", "qwen35-succ-f32"}) {
    SCOPED_TRACE(name);
    const OpenModel model = open(name);
    auto engine = Engine::make(model.loaded, {.context = 256, .kv_dtype = DType::f32},
                               {.tokens = model.loaded.model.info.vocab, .end_tokens = {}});
    ASSERT_TRUE(engine.ok()) << engine.error().message();
    const std::vector<TokenId> want = read_ids(golden(std::string(name) + ".greedy.txt"));
    Request request{.prompt = read_ids(golden(base_of(name) + ".tokens.txt")),
                    .tokens_max = std::ssize(want)};
    request.sampling.temperature = 0;
    EXPECT_EQ(write_text(**engine, std::move(request)).tokens, want);
  }
}

TEST_F(VulkanModels, DraftsAndChunksChangeNoBit) {
  if (!device_) return;
  for (const char* name : {"llama-q8_0", "llama-moe-q8_0", "qwen35-succ-q8_0", "k-qwen35-mix4k"}) {
    SCOPED_TRACE(name);
    const OpenModel model = open(name);
    const std::vector<TokenId> prompt = read_ids(golden(base_of(name) + ".tokens.txt"));
    const Written plain = answer(model, prompt, 512, SpecType::none);
    EXPECT_EQ(plain.tokens.size(), 24u);
    EXPECT_EQ(answer(model, prompt, 7, SpecType::none), plain);
    EXPECT_EQ(answer(model, prompt, 1, SpecType::ngram), plain);
    if (!model.loaded.model.info.draft_head) continue;
    const Written drafted = answer(model, prompt, 20, SpecType::mtp);
    EXPECT_EQ(drafted, plain);
    EXPECT_GT(drafted.drafts.proposed, 0);
  }
}

/// Two texts that begin alike: the second goes on behind what the cache has of the first, states
/// included.
TEST_F(VulkanModels, TheCacheChangesNoBit) {
  if (!device_) return;
  const OpenModel model = open("qwen35-succ-q8_0");
  const std::vector<TokenId> base = read_ids(golden("qwen35-succ.tokens.txt"));
  std::vector<TokenId> prompt;
  for (int i = 0; i < 3; i++) prompt.insert(prompt.end(), base.begin(), base.end());
  EngineOptions options{.context = 256};
  options.cache = {.on = true, .pages = 16, .checkpoint_bytes = int64_t{64} << 20};
  auto engine = Engine::make(model.loaded, options,
                             {.tokens = model.loaded.model.info.vocab, .end_tokens = {}});
  ASSERT_TRUE(engine.ok()) << engine.error().message();
  const auto ask = [&] {
    Request request{
        .prompt = prompt, .tokens_max = 24, .speculation = {.type = SpecType::mtp, .depth_max = 4}};
    request.sampling.temperature = 0;
    return write_text(**engine, std::move(request));
  };
  const Written cold = ask();
  const Written warm = ask();
  EXPECT_EQ(cold.cached_tokens, 0);
  EXPECT_GT(warm.cached_tokens, 0);
  EXPECT_EQ(warm, cold);
}

TEST_F(VulkanModels, WhatItDoesNotHaveIsNamed) {
  if (!device_) return;
  const auto refused = [](const std::string& name) {
    const gguf::File file = std::move(*gguf::File::open(model_path(name)));
    return load_model(file, std::move(*make_model(file, {})), *device_, {});
  };
  for (const char* name : {"qwen2-q4_0", "k-llama-q3_k"}) {
    const auto loaded = refused(name);
    ASSERT_FALSE(loaded.ok()) << name;
    EXPECT_EQ(loaded.error().code(), ErrorCode::unsupported) << loaded.error().message();
    EXPECT_NE(loaded.error().message().find("vulkan"), std::string::npos)
        << loaded.error().message();
  }
  const OpenModel model = open("llama-q8_0");
  auto engine = Engine::make(model.loaded, {.context = 256, .kv_dtype = DType::q8_0},
                             {.tokens = model.loaded.model.info.vocab, .end_tokens = {}});
  ASSERT_FALSE(engine.ok());
  EXPECT_NE(engine.error().message().find("q8_0"), std::string::npos) << engine.error().message();
}

}  // namespace
}  // namespace troika::testing
