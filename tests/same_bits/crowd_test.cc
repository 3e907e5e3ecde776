// The promise of docs/same_bits.md among others: neighbours, queues, the prefix cache, eviction,
// being set aside, chunks and drafters change neither a token nor a bit of any logit row of a text.
#include "same_bits/crowd.h"

#include "support/devices.h"
#include "support/models.h"
#include "support/sanitized.h"

namespace troika::testing {
namespace {

constexpr int64_t kContext = 256;
constexpr int64_t kDepthMax = 4;
constexpr size_t kTexts = 24;

struct Case {
  std::string model;
  DType kv_dtype = DType::f16;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.model << ", KV " << dtype_info(c.kv_dtype).name;
}

/// Memory for what was computed of texts that are set aside: none, room for a few, room for all.
constexpr int64_t kSpillBytes[] = {0, 1 << 22, 1 << 28};

enum class CacheState { off, roomy, tight };

struct Setting {
  int64_t at_once = 1;  // neighbours and itself
  int64_t slots = 4;
  CacheState cache = CacheState::off;
  double preempt = 0;
  int64_t spill_bytes = 0;  // 0: what is set aside is computed again
  int64_t disk_bytes = 0;   // for what a tight cache drops
  int64_t chunk = 512;
  SpecType drafts = SpecType::none;
};

std::ostream& operator<<(std::ostream& out, const Setting& s) {
  return out << s.at_once << " at once in " << s.slots << " slots, cache "
             << static_cast<int>(s.cache) << ", set aside " << s.preempt << ", spilled "
             << s.spill_bytes << ", chunk " << s.chunk << ", drafts " << static_cast<int>(s.drafts);
}

class CrowdTest : public ::testing::TestWithParam<Case> {
 protected:
  CrowdTest()
      : device_(model_devices().back().make(2)),
        model_(open_model(model_path(GetParam().model), *device_)) {
    for (size_t i = 0; i < kTexts; i++) texts_.push_back({request(i), {}});
    const auto plain = engine({.sequences_max = 1});
    for (CrowdText& text : texts_) {
      Request alone = text.request;
      alone.speculation = {.type = SpecType::none, .depth_max = 0};
      text.alone = write_text(*plain, std::move(alone));
    }
  }

  const ModelInfo& info() const { return model_.loaded.model.info; }

  std::unique_ptr<Engine> engine(EngineOptions options) {
    options.context = kContext;
    options.draft_tokens_max = kDepthMax;
    options.kv_dtype = GetParam().kv_dtype;
    auto made = Engine::make(model_.loaded, options, {.tokens = info().vocab});
    EXPECT_TRUE(made.ok()) << made.error().message();
    if (made.ok()) add_tenants(**made, 16);
    return std::move(*made);
  }

  /// Every third text begins as the two before it do, for 70 to 130 tokens.
  Request request(size_t number) const {
    std::mt19937 shared(static_cast<uint32_t>(number / 3)), own(static_cast<uint32_t>(number + 99));
    Request r{.tenant = TenantId{static_cast<int32_t>(number / 3 % 16)},
              .tokens_max = static_cast<int64_t>(6 + number % 11)};
    const auto vocab = static_cast<uint32_t>(std::min<int64_t>(info().vocab, 200));
    for (size_t i = 0; i < 70 + number / 3 * 10 % 61; i++)
      r.prompt.push_back(static_cast<TokenId>(shared() % vocab));
    for (size_t i = 0; i < 1 + number * 7 % 40; i++)
      r.prompt.push_back(static_cast<TokenId>(own() % vocab));
    r.sampling = {.seed = number, .temperature = number % 2 == 0 ? 0.0 : 1.1};
    return r;
  }

  CrowdCounts run(const Setting& setting, uint32_t seed, int64_t texts) {
    EngineOptions options{.sequences_max = setting.slots, .chunk_tokens = setting.chunk};
    options.spill_bytes = setting.spill_bytes;
    if (setting.cache != CacheState::off) {
      options.cache = {.on = true, .interval_tokens = 64, .poison = true};
      options.cache.pages = setting.cache == CacheState::tight ? 2 : 256;
      if (setting.cache == CacheState::tight) {
        options.cache.disk_folder = ::testing::TempDir();
        options.cache.disk_bytes = setting.disk_bytes;
      }
      options.cache.checkpoint_bytes =
          (setting.cache == CacheState::tight ? 2 : 64) *
          Forward::checkpoint_bytes(model_.loaded.model,
                                    {.kv_dtype = GetParam().kv_dtype, .log_tokens = kDepthMax});
    }
    const auto shared = engine(std::move(options));
    std::vector<CrowdText> asked = texts_;
    for (CrowdText& text : asked) {
      text.request.speculation = {.type = setting.drafts, .depth_max = kDepthMax};
      if (setting.drafts == SpecType::none) text.request.speculation.depth_max = 0;
    }
    return Crowd(*shared, asked,
                 {.at_once = setting.at_once,
                  .texts = texts,
                  .preempt_share = setting.preempt,
                  .spill = setting.spill_bytes > 0,
                  .cancel_share = 0.1,
                  .seed = seed})
        .run();
  }

  SpecType drafts(uint32_t number) const {
    constexpr SpecType kHeadless[] = {SpecType::none, SpecType::ngram, SpecType::automatic};
    constexpr SpecType kHead[] = {SpecType::none, SpecType::ngram, SpecType::automatic,
                                  SpecType::mtp, SpecType::combined};
    return info().draft_head ? kHead[number % 5] : kHeadless[number % 3];
  }

  std::unique_ptr<Device> device_;
  OpenModel model_;
  std::vector<CrowdText> texts_;
};

TEST_P(CrowdTest, TextsAreWhatTheyAreAlone) {
  CrowdCounts all;
  std::mt19937 random(5);
  for (const int64_t at_once : {2, 8, 32})
    for (const CacheState cache : {CacheState::off, CacheState::roomy, CacheState::tight})
      for (const double preempt : {0.0, 0.2}) {
        const size_t spill = (static_cast<size_t>(at_once) / 8 + static_cast<size_t>(cache)) % 3;
        const Setting setting{.at_once = at_once,
                              .slots = at_once == 8 ? 3 : std::min<int64_t>(at_once, 12),
                              .cache = cache,
                              .preempt = preempt,
                              .spill_bytes = preempt > 0 ? kSpillBytes[spill] : 0,
                              .disk_bytes = at_once == 8 ? 1 << 28 : 1 << 18,
                              .chunk = random() % 2 == 0 ? 16 : 512,
                              .drafts = drafts(random())};
        SCOPED_TRACE(::testing::PrintToString(setting));
        const CrowdCounts counts = run(setting, random(), kSanitized ? 6 : 32);
        ASSERT_FALSE(HasFailure());
        // Few texts may all end before one of them is set aside.
        EXPECT_TRUE(preempt == 0 || counts.preempted > 0 || kSanitized);
        all.preempted += counts.preempted;
        all.spilled += counts.spilled;
        all.compared += counts.compared;
        if (cache == CacheState::roomy) all.cached_tokens += counts.cached_tokens;
      }
  EXPECT_GT(all.compared, 0);
  EXPECT_GT(all.cached_tokens, 0);
  EXPECT_GT(all.preempted, 0);
  EXPECT_GT(all.spilled, 0);
}

TEST_P(CrowdTest, DraftersOfAllKindsSideBySide) {
  auto asked = texts_;
  for (uint32_t i = 0; i < kTexts; i++)
    asked[i].request.speculation = {.type = drafts(i), .depth_max = 1 + i % kDepthMax};
  const auto shared = engine({.sequences_max = 7, .chunk_tokens = 32});
  const CrowdCounts counts =
      Crowd(*shared, asked, {.at_once = 20, .texts = 40, .preempt_share = 0.05}).run();
  EXPECT_EQ(counts.compared, 40);
}

/// The canary of isolation: pages that are freed are not numbers, and memory is scarce.
class CanaryTest : public CrowdTest {};

TEST_P(CanaryTest, TenThousandStepsOfSixteenTenants) {
  EngineOptions options{.sequences_max = 12, .chunk_tokens = 48};
  options.pages = 28;  // texts of 12 slots would take 36
  options.cache = {.on = true, .pages = 4, .interval_tokens = 64, .poison = true};
  options.spill_bytes = 1 << 22;
  options.cache.checkpoint_bytes =
      6 * Forward::checkpoint_bytes(model_.loaded.model, {.log_tokens = kDepthMax});
  const auto shared = engine(std::move(options));
  auto asked = texts_;
  for (uint32_t i = 0; i < kTexts; i++)
    asked[i].request.speculation = {.type = drafts(i), .depth_max = 1 + i % kDepthMax};
  const int64_t steps = kSanitized ? 300 : 10000;
  const CrowdCounts counts = Crowd(*shared, asked,
                                   {.at_once = 32,
                                    .texts = 1,
                                    .steps = steps,
                                    .preempt_share = 0.05,
                                    .spill = true,
                                    .cancel_share = 0.05})
                                 .run();
  EXPECT_GE(counts.steps, steps);
  EXPECT_GT(counts.preempted, steps / 200);
  EXPECT_GT(counts.spilled, steps / 1000);
  EXPECT_GT(counts.cached_tokens, 0);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* name : {"llama-f32", "llama-moe-q8_0", "qwen35-succ-f32", "qwen35-succ-q8_0",
                           "qwen35moe-q8_0", "k-qwen35-mix4k", "troika-demo"})
    if (std::filesystem::exists(model_path(name))) all.push_back({name});
  for (const DType kv : {DType::q8_0, DType::bf16, DType::f32})
    all.push_back({"qwen35-succ-q8_0", kv});
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, CrowdTest, ::testing::ValuesIn(cases()));
INSTANTIATE_TEST_SUITE_P(All, CanaryTest,
                         ::testing::Values(Case{"qwen35-succ-q8_0"}, Case{"llama-f32"}));

}  // namespace
}  // namespace troika::testing
