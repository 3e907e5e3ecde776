// The promise of docs/same_bits.md for members: however a model is divided, tokens and every logit
// row that chose one are those of one device.
#include <gtest/gtest.h>

#include "same_bits/crowd.h"
#include "sharding/group.h"
#include "sharding/wide_model.h"
#include "support/models.h"
#include "support/sanitized.h"

namespace troika::testing {
namespace {

constexpr int64_t kAnswerTokens = 16;
constexpr int64_t kDepthMax = 4;

struct Setting {
  int prompt = 48;
  int64_t chunk = 512;
  SpecType drafts = SpecType::none;
  double temperature = 0;
};

std::ostream& operator<<(std::ostream& out, const Setting& s) {
  return out << "prompt " << s.prompt << ", chunk " << s.chunk << ", drafts "
             << static_cast<int>(s.drafts) << ", temperature " << s.temperature;
}

const Setting kSettings[] = {{48, 512, SpecType::none, 0},
                             {65, 7, SpecType::none, 1.2},
                             {65, 64, SpecType::mtp, 0},
                             {130, 64, SpecType::combined, 1.2}};

/// A model on a device.
class Writer {
 public:
  Writer(const std::filesystem::path& path, std::unique_ptr<Device> device, DType kv_dtype,
         int64_t draft_rows)
      : kv_dtype_(kv_dtype),
        device_(std::move(device)),
        model_(open_model(path, *device_, {.draft_rows = draft_rows})) {}

  const ModelInfo& info() const { return model_.loaded.model.info; }

  Written write(const Setting& setting) {
    auto engine = Engine::make(model_.loaded,
                               {.context = 256,
                                .chunk_tokens = setting.chunk,
                                .draft_tokens_max = kDepthMax,
                                .kv_dtype = kv_dtype_},
                               {.tokens = info().vocab, .end_tokens = {}});
    EXPECT_TRUE(engine.ok()) << engine.error().message();
    Request request{.tokens_max = kAnswerTokens};
    std::mt19937 random(static_cast<uint32_t>(setting.prompt));
    for (int i = 0; i < setting.prompt; i++)
      request.prompt.push_back(
          static_cast<TokenId>(random() % static_cast<uint32_t>(info().vocab)));
    request.sampling = {.seed = 3, .temperature = setting.temperature};
    request.speculation = {.type = info().draft_head ? setting.drafts : SpecType::none,
                           .depth_max = kDepthMax};
    if (request.speculation.type == SpecType::none) request.speculation.depth_max = 0;
    return write_text(**engine, std::move(request));
  }

 private:
  DType kv_dtype_;
  std::unique_ptr<Device> device_;
  OpenModel model_;
};

/// Holds groups of these shares to one device.
void expect_same_bits(const std::filesystem::path& path, DType kv_dtype, int64_t draft_rows,
                      const std::vector<Shares>& groups) {
  Writer one(path, make_members({1}), kv_dtype, draft_rows);
  std::vector<Written> wanted;
  for (const Setting& setting : kSettings) wanted.push_back(one.write(setting));
  // Texts that hash alike although their prompts differ would be no numbers.
  EXPECT_NE(wanted[0].logits_xxh64, wanted[1].logits_xxh64);
  EXPECT_NE(wanted[1].logits_xxh64, wanted[3].logits_xxh64);
  for (const Shares& shares : groups) {
    Writer group(path, make_members(shares, shares.size() == 2 ? 2 : 1), kv_dtype, draft_rows);
    for (size_t i = 0; i < wanted.size(); i++) {
      const Written written = group.write(kSettings[i]);
      EXPECT_EQ(written.tokens, wanted[i].tokens)
          << ::testing::PrintToString(shares) << ", " << kSettings[i];
      EXPECT_EQ(written.logits_xxh64, wanted[i].logits_xxh64)
          << ::testing::PrintToString(shares) << ", " << kSettings[i];
      EXPECT_EQ(written.drafts.accepted, wanted[i].drafts.accepted);
      EXPECT_EQ(written.drafts.proposed, wanted[i].drafts.proposed);
    }
  }
}

struct WideCase {
  const char* family;
  DType dtype;
  DType kv_dtype = DType::f16;
};

std::ostream& operator<<(std::ostream& out, const WideCase& c) {
  return out << c.family << " " << dtype_info(c.dtype).name << ", KV "
             << dtype_info(c.kv_dtype).name;
}

/// Models in which every split can happen.
class WideMembersTest : public ::testing::TestWithParam<WideCase> {
 protected:
  WideMembersTest()
      : path_(std::filesystem::path(::testing::TempDir()) /
              fmt::format("wide_{}_{}_{}.gguf", GetParam().family,
                          dtype_info(GetParam().dtype).name,
                          dtype_info(GetParam().kv_dtype).name)) {
    WideModel(GetParam().family, GetParam().dtype).write(path_);
  }
  ~WideMembersTest() override { std::filesystem::remove(path_); }

  std::filesystem::path path_;
};

TEST_P(WideMembersTest, EverySplitHappens) {
  const Result<gguf::File> file = gguf::File::open(path_);
  ASSERT_TRUE(file.ok()) << file.error().message();
  const Result<Model> model = make_model(*file, {});
  ASSERT_TRUE(model.ok()) << model.error().message();
  const Shares shares = {1, 1, 1, 1};
  for (const WeightInfo& weight : model->weights) {
    const bool divided = weight.sharing.columns || !weight.sharing.rows.empty();
    if (!divided) continue;
    if (weight.sharing.columns) {
      EXPECT_EQ(weight.split.leaves.size(), 8U) << weight.name;
    }
    for (int64_t m = 0; m < std::ssize(shares); m++) {
      const Weight part = cut_weight(weight, shares, m).weight;
      EXPECT_EQ(4 * part.rows() * part.inputs, weight.weight.rows() * weight.weight.inputs)
          << weight.name;
    }
  }
}

TEST_P(WideMembersTest, AnyNumberWritesTheSameBits) {
  std::vector<Shares> groups = {{1, 1}, {3, 1}, {5, 3}, {1, 1, 1, 1}, {0, 1, 7}};
  // Blocks of 256 make models of millions of weights.
  if (kSanitized || dtype_info(GetParam().dtype).block == 256) groups = {{5, 3}, {1, 1, 1, 1}};
  expect_same_bits(path_, GetParam().kv_dtype, GetParam().dtype == DType::f32 ? 0 : 96, groups);
}

INSTANTIATE_TEST_SUITE_P(
    Families, WideMembersTest,
    ::testing::Values(WideCase{"llama", DType::f32}, WideCase{"llama", DType::q4_k},
                      WideCase{"llama", DType::q8_0, DType::q8_0}, WideCase{"qwen2", DType::q4_0},
                      WideCase{"qwen2", DType::q8_0}, WideCase{"qwen3", DType::bf16, DType::bf16},
                      WideCase{"qwen3", DType::q6_k}, WideCase{"qwen3moe", DType::q8_0},
                      WideCase{"qwen3moe", DType::q4_k}, WideCase{"qwen35", DType::f32},
                      WideCase{"qwen35", DType::q8_0}, WideCase{"qwen35", DType::q8_0, DType::q8_0},
                      WideCase{"qwen35", DType::q4_k}, WideCase{"qwen35moe", DType::q8_0},
                      WideCase{"qwen35moe", DType::f16, DType::f32}));

/// The fixtures, which have few units: members without a part of a layer.
class MembersTest : public ::testing::TestWithParam<std::string> {};

TEST_P(MembersTest, AnyNumberWritesTheSameBits) {
  std::vector<Shares> groups = {{1, 1}, {3, 1}, {1, 1, 1, 1}, {1, 0, 2}};
  if (kSanitized) groups = {{1, 1}};
  expect_same_bits(model_folder() / (GetParam() + ".gguf"), DType::f16,
                   type_of(GetParam()) == "f32" ? 0 : 96, groups);
}

std::vector<std::string> fixtures() {
  std::vector<std::string> all;
  for (const char* name :
       {"llama-f32", "llama-bf16", "k-llama-q4_k", "k-llama-q3_k", "k-llama-q6_k", "k-llama-iq4_xs",
        "llama-moe-f32", "llama-moe-q8_0", "qwen2-q4_0", "k-qwen3-mix4k", "qwen3-q8_0",
        "qwen3moe-q4_0", "k-qwen3moe-mix4k", "qwen35-succ-f32", "qwen35-succ-q8_0",
        "k-qwen35-mix4k", "qwen35moe-q8_0", "k-qwen35moe-mix4k"})
    if (std::filesystem::exists(model_folder() / (std::string(name) + ".gguf")))
      all.emplace_back(name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Models, MembersTest, ::testing::ValuesIn(fixtures()));

/// Neighbours, the prefix cache, being set aside and spilled.
class MembersCrowdTest : public ::testing::TestWithParam<const char*> {};

std::vector<CrowdText> texts_of(int64_t vocab, bool draft_head) {
  std::vector<CrowdText> texts;
  for (uint32_t number = 0; number < 12; number++) {
    std::mt19937 shared(number / 3), own(number + 99);
    Request r{.tokens_max = 6 + number % 7};
    for (uint32_t i = 0; i < 70 + number / 3 * 10; i++)
      r.prompt.push_back(static_cast<TokenId>(shared() % static_cast<uint32_t>(vocab)));
    for (uint32_t i = 0; i < 1 + number * 7 % 40; i++)
      r.prompt.push_back(static_cast<TokenId>(own() % static_cast<uint32_t>(vocab)));
    r.sampling = {.seed = number, .temperature = number % 2 == 0 ? 0.0 : 1.1};
    r.speculation = {.type = draft_head ? SpecType::mtp : SpecType::ngram, .depth_max = kDepthMax};
    texts.push_back({std::move(r), {}});
  }
  return texts;
}

TEST_P(MembersCrowdTest, NeighboursCacheAndPreemptionChangeNothing) {
  const std::filesystem::path path =
      std::filesystem::path(::testing::TempDir()) / fmt::format("crowd_{}.gguf", GetParam());
  WideModel(GetParam(), DType::q8_0).write(path);
  const auto alone = make_members({1});
  const OpenModel model = open_model(path, *alone);
  const ModelInfo& info = model.loaded.model.info;
  std::vector<CrowdText> texts = texts_of(info.vocab, info.draft_head);
  EngineOptions options{.context = 256, .sequences_max = 1, .draft_tokens_max = kDepthMax};
  auto plain = Engine::make(model.loaded, options, {.tokens = info.vocab});
  ASSERT_TRUE(plain.ok()) << plain.error().message();
  for (CrowdText& text : texts) text.alone = write_text(**plain, Request(text.request));

  const auto group = make_members({5, 3});
  const OpenModel divided = open_model(path, *group);
  options.sequences_max = 4;
  options.chunk_tokens = 32;
  options.spill_bytes = 1 << 24;
  options.cache = {.on = true, .pages = 32, .interval_tokens = 64, .poison = true};
  options.cache.checkpoint_bytes =
      16 * Forward::checkpoint_bytes(divided.loaded.model, {.log_tokens = kDepthMax});
  auto engine = Engine::make(divided.loaded, options, {.tokens = info.vocab});
  ASSERT_TRUE(engine.ok()) << engine.error().message();
  const CrowdCounts counts =
      Crowd(**engine, texts,
            {.at_once = 6, .texts = kSanitized ? 6 : 24, .preempt_share = 0.2, .spill = true})
          .run();
  EXPECT_GT(counts.compared, 0);
  EXPECT_GT(counts.cached_tokens, 0);
  EXPECT_TRUE((counts.preempted > 0 && counts.spilled > 0) || kSanitized);
  std::filesystem::remove(path);
}

INSTANTIATE_TEST_SUITE_P(Families, MembersCrowdTest,
                         ::testing::Values("llama", "qwen35", "qwen35moe"));

}  // namespace
}  // namespace troika::testing
