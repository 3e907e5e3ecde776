// Ten times more texts than fit: each is answered, and no more memory is taken than was planned.

#include <gtest/gtest.h>

#include <cstdio>

#include "core/process_memory.h"
#include "engine/engine.h"
#include "engine/memory_plan.h"
#include "support/devices.h"
#include "support/models.h"

namespace troika::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCountsResident = false;  // shadow memory is not the engine's
#else
constexpr bool kCountsResident = true;
#endif

constexpr int64_t kSlots = 4;
constexpr int64_t kTexts = 10 * kSlots;
constexpr int64_t kPromptTokens = 300;
constexpr int64_t kAnswerTokens = 30;

int64_t peak_now() {
  reset_peak_resident_bytes();
  return peak_resident_bytes().value_or(0);
}

TEST(OverloadMemory, StaysWithinThePlan) {
  const int64_t before = peak_now();
  const auto device = model_devices().back().make(2);
  const auto path = std::filesystem::path(TROIKA_SOURCE_DIR) / "models" / "troika-demo.gguf";
  const OpenModel opened = open_model(path, *device, {.draft_head = true});
  const Model& model = opened.loaded.model;
  EngineOptions options{.context = 1024, .sequences_max = kSlots};
  options.cache = {.on = true, .pages = 32, .checkpoint_bytes = int64_t{8} << 20};
  const auto engine = Engine::make(opened.loaded, options, {.tokens = model.info.vocab});
  ASSERT_TRUE(engine.ok()) << engine.error().message();
  const MemoryPlan plan =
      plan_memory(model.weights, model.states, Engine::memory_need(model, options));

  std::vector<SeqId> ids;
  for (int64_t i = 0; i < kTexts; i++) {
    std::vector<TokenId> prompt;
    for (int64_t p = 0; p < kPromptTokens; p++)
      prompt.push_back(static_cast<TokenId>((i * 131 + p * 7919) % model.info.vocab));
    const auto id = (*engine)->submit({.prompt = std::move(prompt), .tokens_max = kAnswerTokens});
    ASSERT_TRUE(id.ok()) << id.error().message();
    ids.push_back(*id);
  }
  while (true) {
    const auto worked = (*engine)->step();
    ASSERT_TRUE(worked.ok()) << worked.error().message();
    if (!*worked) break;
  }
  for (const SeqId id : ids) {
    const Sequence& s = (*engine)->sequence(id);
    EXPECT_EQ(s.finish, FinishReason::length);
    EXPECT_EQ(std::ssize(s.tokens), kPromptTokens + kAnswerTokens);
  }
  const int64_t taken = peak_resident_bytes().value_or(0) - before;
  std::printf("planned %.1f MB, resident at most %.1f MB\n",
              static_cast<double>(plan.total()) / 1e6, static_cast<double>(taken) / 1e6);
  if (kCountsResident) {
    EXPECT_LE(taken, plan.total() + 64'000'000);
  }
}

}  // namespace
}  // namespace troika::testing
