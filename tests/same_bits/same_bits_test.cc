// The promise of docs/same_bits.md, by equality: drafts, threads, prompt lengths and chunks change
// neither a token nor a bit of any logit row that chose one.
#include <gtest/gtest.h>

#include <map>

#include "engine/scripted_drafter.h"
#include "same_bits/matrix.h"
#include "support/devices.h"
#include "support/generate.h"
#include "support/models.h"
#include "support/sanitized.h"

namespace troika::testing {
namespace {

constexpr int64_t kAnswerTokens = 40;
constexpr int64_t kDepthMax = 8;
constexpr int64_t kDraftRows = 96;  // of the vocabulary, where the weights are quantised
constexpr int kPrompts[] = {48, 63, 64, 65, 700};
constexpr int kChunks[] = {1, 7, 64, 1024};
constexpr int kThreads[] = {1, 2};

enum class Drafts {
  none,
  never_right,
  half_right,
  always_right,
  every_length,
  ngram,
  combined,
  mtp1,
  mtp2,
  mtp4,
  mtp8
};
constexpr int kDrafts = 11;
constexpr int kScripted = 5;  // the first so many, but for none, are told by the test
constexpr int kHeadless = 7;  // the first so many need no draft head

uint64_t mix(uint64_t x) {
  x = (x ^ x >> 31) * 0x9e3779b97f4a7c15;
  return x ^ x >> 29;
}

ScriptedDrafter::Script script_of(Drafts drafts) {
  switch (drafts) {
    case Drafts::never_right:
      return [](int64_t, int64_t) { return false; };
    case Drafts::half_right:
      return
          [](int64_t position, int64_t) { return mix(static_cast<uint64_t>(position)) % 2 == 0; };
    case Drafts::always_right:
      return [](int64_t, int64_t) { return true; };
    default:  // every accept length 0 ... 8 in turn, by where the step begins
      return [](int64_t position, int64_t index) {
        return index < (position - index) % (kDepthMax + 1);
      };
  }
}

SpeculationOptions speculation_of(Drafts drafts) {
  if (drafts == Drafts::none) return {.type = SpecType::none};
  if (drafts == Drafts::ngram)
    return {.type = SpecType::ngram, .depth_max = kDepthMax, .ngram_min = 1};
  if (drafts == Drafts::combined)
    return {.type = SpecType::combined, .depth_max = kDepthMax, .ngram_min = 1};
  const std::map<Drafts, int64_t> depths = {
      {Drafts::mtp1, 1}, {Drafts::mtp2, 2}, {Drafts::mtp4, 4}};
  const auto depth = depths.find(drafts);
  return {.type = SpecType::mtp, .depth_max = depth == depths.end() ? kDepthMax : depth->second};
}

struct Setting {
  int prompt, chunk, threads, drafts, sampled;
};

std::ostream& operator<<(std::ostream& out, const Setting& run) {
  return out << "prompt " << kPrompts[run.prompt] << ", chunk " << kChunks[run.chunk]
             << ", threads " << kThreads[run.threads] << ", drafts " << run.drafts << ", sampled "
             << run.sampled;
}

/// One model on one kind of device, at each thread count.
class Bench {
 public:
  Bench(const NamedDevice& device, const std::string& name, DType kv_dtype) : kv_dtype_(kv_dtype) {
    for (const int threads : kThreads) {
      devices_.push_back(device.make(threads));
      models_.push_back(open_model(model_folder() / (name + ".gguf"), *devices_.back(),
                                   {.draft_rows = type_of(name) == "f32" ? 0 : kDraftRows}));
    }
  }

  const ModelInfo& info() const { return models_[0].loaded.model.info; }

  std::vector<TokenId> prompt(int number) const {
    std::vector<TokenId> ids;
    for (int i = 0; i < kPrompts[number]; i++)
      ids.push_back(static_cast<TokenId>(mix(static_cast<uint64_t>(i) + 1) %
                                         static_cast<uint64_t>(info().vocab)));
    return ids;
  }

  Written write(const Setting& run) {
    const auto drafts = static_cast<Drafts>(run.drafts);
    std::unique_ptr<Drafter> drafter;
    if (drafts != Drafts::none && run.drafts < kScripted) {
      std::vector<TokenId> text = prompt(run.prompt);
      const std::vector<TokenId>& answer = plain(run).tokens;
      text.insert(text.end(), answer.begin(), answer.end());
      drafter = std::make_unique<ScriptedDrafter>(std::move(text), info().vocab, script_of(drafts));
    }
    auto engine = Engine::make(models_[static_cast<size_t>(run.threads)].loaded,
                               {.context = 768,
                                .chunk_tokens = kChunks[run.chunk],
                                .draft_tokens_max = kDepthMax,
                                .kv_dtype = kv_dtype_},
                               {.tokens = info().vocab, .end_tokens = {}}, std::move(drafter));
    EXPECT_TRUE(engine.ok()) << engine.error().message();
    Request request{.prompt = prompt(run.prompt),
                    .tokens_max = kAnswerTokens,
                    .speculation = speculation_of(drafts)};
    request.sampling = {.seed = 11, .temperature = run.sampled != 0 ? 1.2 : 0.0};
    if (run.sampled != 0) request.sampling.repeat_penalty = 1.1;
    return write_text(**engine, std::move(request));
  }

  /// The run that all with this prompt and sampling must equal: no drafts, one thread, the prompt
  /// in one chunk.
  const Written& plain(const Setting& run) {
    const auto key = std::pair(run.prompt, run.sampled);
    if (!plain_.contains(key))
      plain_[key] = write(
          {run.prompt, std::size(kChunks) - 1, 0, static_cast<int>(Drafts::none), run.sampled});
    return plain_[key];
  }

 private:
  DType kv_dtype_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<OpenModel> models_;
  std::map<std::pair<int, int>, Written> plain_;
};

struct Case {
  NamedDevice device;
  std::string model;
  DType kv_dtype = EngineOptions{}.kv_dtype;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.model << " on " << c.device.name << ", KV " << dtype_info(c.kv_dtype).name;
}

/// A float and a quantised model of each family. One of each family is enough where a device is
/// slow and a sanitizer makes it slower still, and where lateness is tested, not arithmetic. In
/// float64 weights are numbers whatever format they came from, so the wide models add nothing
/// there. Two families show the other KV types.
std::vector<Case> cases() {
  const std::vector<const char*> all_models = {
      "llama-f32",        "k-llama-q4_k",  "llama-moe-f32",  "llama-moe-q8_0",    "qwen2-f32",
      "qwen2-q4_0",       "qwen3-f32",     "k-qwen3-mix4k",  "qwen3moe-f32",      "qwen3moe-q4_0",
      "k-qwen3moe-mix4k", "qwen35moe-f32", "qwen35moe-q8_0", "k-qwen35moe-mix4k", "qwen35-succ-f32",
      "qwen35-succ-q8_0", "k-qwen35-mix4k"};
  const std::vector<const char*> few_models = {"llama-f32",        "qwen2-q4_0",
                                               "qwen3-f32",        "qwen3moe-q4_0",
                                               "qwen35-succ-q8_0", "qwen35moe-q8_0"};
  std::vector<Case> all;
  for (const NamedDevice& device : same_bits_devices()) {
    const bool few = device.name == "delayed" || (kSanitized && !device.fast);
    for (const std::string name : few ? few_models : all_models)
      if (std::filesystem::exists(model_folder() / (name + ".gguf")) &&
          !(device.float64 && name.starts_with("k-")))
        all.push_back({device, name});
    if (!device.fast) continue;
    for (const char* name : {"k-llama-q4_k", "k-qwen35-mix4k"})
      for (const DType kv : kv_dtypes())
        if (kv != EngineOptions{}.kv_dtype &&
            std::filesystem::exists(model_folder() / (std::string(name) + ".gguf")))
          all.push_back({device, name, kv});
  }
  return all;
}

class SameBitsTest : public ::testing::TestWithParam<Case> {};

TEST_P(SameBitsTest, WhateverChangesTheSpeed) {
  Bench bench(GetParam().device, GetParam().model, GetParam().kv_dtype);
  const int drafts = bench.info().draft_head ? kDrafts : kHeadless;
  const Choice<5> sizes = {std::size(kPrompts), std::size(kChunks), std::size(kThreads), drafts, 2};
  const bool full =
      GetParam().device.fast && !kSanitized && GetParam().kv_dtype == EngineOptions{}.kv_dtype;
  std::array<int64_t, kDepthMax + 1> lengths{};
  int64_t ngrams = 0;
  for (const auto& c : full ? full_product(sizes) : pairwise(sizes)) {
    const Setting run{c[0], c[1], c[2], c[3], c[4]};
    const Written written = bench.write(run);
    ASSERT_EQ(written.tokens, bench.plain(run).tokens) << run;
    ASSERT_EQ(written.logits_xxh64, bench.plain(run).logits_xxh64) << run;
    ASSERT_EQ(std::ssize(written.tokens), kAnswerTokens) << run;
    if (static_cast<Drafts>(run.drafts) == Drafts::always_right) {
      ASSERT_EQ(written.drafts.accepted, written.drafts.proposed) << run;
    }
    for (size_t i = 0; i < static_cast<size_t>(kDepthMax); i++)
      lengths[i] += written.drafts.accepted_at[i];
    ngrams += written.drafts.of(DraftClass::ngram).proposed;
  }
  EXPECT_GT(ngrams, 0);
  for (size_t i = 0; i < static_cast<size_t>(kDepthMax); i++)
    EXPECT_GT(lengths[i], 0) << "accepted at depth " << i;
}

INSTANTIATE_TEST_SUITE_P(Models, SameBitsTest, ::testing::ValuesIn(cases()), [](const auto& test) {
  std::string name = test.param.device.name + "_" + test.param.model;
  if (test.param.kv_dtype != EngineOptions{}.kv_dtype)
    name += "_kv_" + std::string(dtype_info(test.param.kv_dtype).name);
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace troika::testing
