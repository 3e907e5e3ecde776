// Embeddings over real graphs: held to the last row's logits, to plain means, and to themselves
// under every chunking.
#include "engine/embedder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/evaluate.h"
#include "support/devices.h"
#include "support/models.h"

namespace troika::testing {
namespace {

struct Loaded {
  std::unique_ptr<Device> device;
  OpenModel model;
};

Loaded load(const std::string& name, bool hidden_rows = true, bool draft_head = false) {
  std::unique_ptr<Device> device = make_cpu_device({.threads = 2, .shared_work_min = 0}).value();
  const auto path = test_data("fixtures") / "models" / (name + ".gguf");
  OpenModel model =
      open_model(path, *device, {.draft_head = draft_head, .hidden_rows = hidden_rows});
  return {std::move(device), std::move(model)};
}

std::vector<TokenId> text(int64_t count, int64_t vocab) {
  std::vector<TokenId> ids;
  for (int64_t i = 0; i < count; i++) ids.push_back(static_cast<TokenId>((3 + 7 * i * i) % vocab));
  return ids;
}

std::vector<float> embedding(const LoadedModel& model, std::span<const TokenId> tokens,
                             Pooling pooling, int64_t chunk = 512) {
  const auto embedder = Embedder::make(model, {.context = 256, .chunk_tokens = chunk});
  EXPECT_TRUE(embedder.ok()) << embedder.error().message();
  const auto vector = (*embedder)->embed(tokens, pooling);
  EXPECT_TRUE(vector.ok()) << vector.error().message();
  return {vector->begin(), vector->end()};
}

constexpr const char* kModels[] = {"llama-q8_0", "qwen3moe-q4_0", "qwen35-succ-q8_0",
                                   "qwen35moe-q8_0"};

TEST(EmbedderTest, ChunksChangeNoBit) {
  for (const char* name : kModels) {
    const Loaded m = load(name);
    const auto ids = text(150, m.model.loaded.model.info.vocab);
    for (const Pooling pooling : {Pooling::mean, Pooling::last}) {
      const auto whole = embedding(m.model.loaded, ids, pooling);
      EXPECT_EQ(std::ssize(whole), m.model.loaded.model.info.hidden);
      for (const int64_t chunk : {1, 7, 64})
        EXPECT_EQ(embedding(m.model.loaded, ids, pooling, chunk), whole) << name << " " << chunk;
    }
  }
}

// Row by row: the last row of each beginning is the row that the mean adds.
TEST(EmbedderTest, MeanIsThatOfTheRows) {
  for (const char* name : kModels) {
    const Loaded m = load(name);
    const auto ids = text(20, m.model.loaded.model.info.vocab);
    std::vector<double> sum(static_cast<size_t>(m.model.loaded.model.info.hidden));
    for (size_t n = 1; n <= ids.size(); n++) {
      const auto row = embedding(m.model.loaded, std::span(ids).first(n), Pooling::last);
      for (size_t i = 0; i < sum.size(); i++) sum[i] += row[i];
    }
    const auto mean = embedding(m.model.loaded, ids, Pooling::mean);
    for (size_t i = 0; i < sum.size(); i++)
      EXPECT_EQ(mean[i], static_cast<float>(sum[i] / 20)) << name;
  }
}

std::vector<float> all_logits(const LoadedModel& model, std::span<const TokenId> ids) {
  std::vector<float> all;
  const Status done = evaluate(model, ids, {},
                               [&](int64_t, std::span<const float> row) {
                                 all.insert(all.end(), row.begin(), row.end());
                                 return ok();
                               },
                               {});
  EXPECT_TRUE(done.ok());
  return all;
}

TEST(EmbedderTest, KeepingRowsChangesNoLogit) {
  for (const char* name : kModels) {
    const Loaded with = load(name);
    const Loaded without = load(name, false);
    const auto ids = text(70, with.model.loaded.model.info.vocab);
    EXPECT_TRUE(with.model.loaded.model.info.hidden_rows);
    EXPECT_FALSE(without.model.loaded.model.info.hidden_rows);
    EXPECT_EQ(all_logits(with.model.loaded, ids), all_logits(without.model.loaded, ids)) << name;
  }
}

TEST(EmbedderTest, ADraftHeadChangesNoEmbedding) {
  const Loaded with = load("qwen35-succ-q8_0", false, true);
  const Loaded without = load("qwen35-succ-q8_0", true, false);
  const auto ids = text(70, with.model.loaded.model.info.vocab);
  EXPECT_EQ(embedding(with.model.loaded, ids, Pooling::mean),
            embedding(without.model.loaded, ids, Pooling::mean));
}

TEST(EmbedderTest, OneTextDoesNotTouchTheNext) {
  const Loaded m = load("qwen35-succ-q8_0");
  const auto ids = text(100, m.model.loaded.model.info.vocab);
  const auto embedder = Embedder::make(m.model.loaded, {.context = 128, .chunk_tokens = 32});
  ASSERT_TRUE(embedder.ok());
  const auto first = *(*embedder)->embed(std::span(ids).first(40), Pooling::mean);
  const std::vector<float> alone(first.begin(), first.end());
  ASSERT_TRUE((*embedder)->embed(ids, Pooling::last).ok());
  const auto again = *(*embedder)->embed(std::span(ids).first(40), Pooling::mean);
  EXPECT_EQ(std::vector<float>(again.begin(), again.end()), alone);
}

TEST(EmbedderTest, NormalisedVectorsHaveLengthOne) {
  std::vector<float> v = {3, 0, -4};
  normalise(v);
  EXPECT_EQ(v, (std::vector<float>{0.6f, 0, -0.8f}));
  std::vector<float> tiny = {1e-30f, 1e-30f};
  normalise(tiny);
  EXPECT_NEAR(tiny[0], std::sqrt(0.5), 1e-7);
  std::vector<float> zero = {0, 0};
  normalise(zero);
  EXPECT_EQ(zero, (std::vector<float>{0, 0}));
}

TEST(EmbedderTest, Refusals) {
  const Loaded without = load("llama-q8_0", false);
  EXPECT_EQ(Embedder::make(without.model.loaded, {}).error().code(), ErrorCode::unsupported);
  const Loaded m = load("llama-q8_0");
  EXPECT_FALSE(Embedder::make(m.model.loaded, {.context = 0}).ok());
  EXPECT_FALSE(Embedder::make(m.model.loaded, {.chunk_tokens = 0}).ok());
  const auto embedder = Embedder::make(m.model.loaded, {.context = 8});
  ASSERT_TRUE(embedder.ok());
  const int64_t vocab = m.model.loaded.model.info.vocab;
  const auto refusal = [&](std::vector<TokenId> tokens) {
    const auto vector = (*embedder)->embed(tokens, Pooling::mean);
    EXPECT_FALSE(vector.ok());
    return vector.ok() ? "" : vector.error().message();
  };
  EXPECT_EQ(refusal({}), "the text has no tokens, wanted at least one");
  EXPECT_EQ(refusal(text(9, vocab)), "the text has 9 tokens, wanted at most 8");
  EXPECT_NE(refusal({static_cast<TokenId>(vocab)}).find("token id"), std::string::npos);
  EXPECT_TRUE((*embedder)->embed(text(8, vocab), Pooling::mean).ok());
}

}  // namespace
}  // namespace troika::testing
