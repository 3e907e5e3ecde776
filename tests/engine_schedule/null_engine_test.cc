// The engine over a real graph on a device that computes nothing: texts, drafts, time and memory.
#include <gtest/gtest.h>

#include <map>

#include "device/null/null_device.h"
#include "engine/engine.h"
#include "support/models.h"

namespace troika::testing {
namespace {

/// 10 ms a pass of the trunk and 1 ms a row; a tenth of it for the draft head.
double run_ms(const NullRun& run) {
  return (10 + static_cast<double>(run.tokens)) / (run.draft ? 10 : 1);
}

class NullEngineTest : public ::testing::Test {
 protected:
  void open(double agreement) {
    device_ = make_null_device({.agreement = agreement, .run_ms = run_ms, .clock_ms = &clock_ms_});
    model_ = open_model(test_data("fixtures") / "models" / "qwen35-succ-q8_0.gguf", *device_);
  }

  /// Writes `count` texts side by side; those of number 0 to 2 are always the same.
  std::map<int, std::vector<TokenId>> write(int count, int64_t depth, double temperature = 0) {
    const int64_t vocab = model_.loaded.model.info.vocab;
    auto engine = std::move(Engine::make(model_.loaded,
                                         {.context = 512,
                                          .sequences_max = count,
                                          .chunk_tokens = 48,
                                          .clock_ms = [this] { return clock_ms_; }},
                                         {.tokens = vocab}))
                      .value();
    std::vector<SeqId> ids;
    for (int i = 0; i < count; i++) {
      Request request{.tokens_max = 60 + i,
                      .speculation = {.type = SpecType::mtp, .depth_max = depth}};
      if (depth == 0) request.speculation.type = SpecType::none;
      request.sampling.temperature = temperature;
      for (int t = 0; t < 20 + 30 * i; t++)
        request.prompt.push_back(static_cast<TokenId>((i + 3 * t) % vocab));
      ids.push_back(engine->submit(std::move(request)).value());
    }
    for (Result<bool> more = true; more.ok() && *more;) {
      more = engine->step();
      EXPECT_TRUE(more.ok()) << more.error().message();
    }
    std::map<int, std::vector<TokenId>> texts;
    drafts_ = {};
    for (int i = 0; i < count; i++) {
      const Sequence& s = engine->sequence(ids[static_cast<size_t>(i)]);
      EXPECT_EQ(std::ssize(s.tokens), s.prompt_tokens + 60 + i);
      if (i < 3) texts[i] = s.tokens;
      drafts_.proposed += s.drafts.proposed;
      drafts_.accepted += s.drafts.accepted;
    }
    return texts;
  }

  double clock_ms_ = 0;
  std::unique_ptr<NullDevice> device_;
  OpenModel model_;
  DraftStatistics drafts_;
};

TEST_F(NullEngineTest, TextsDependOnWhatTheySayAndOnNothingElse) {
  open(0.7);
  const auto few = write(3, 0);
  EXPECT_EQ(write(7, 0), few);
  EXPECT_EQ(write(3, 3), few);
  EXPECT_EQ(write(5, 2), few);
  EXPECT_EQ(write(3, 0, 1e-3), few);  // through logits
  const std::vector<TokenId>& text = few.at(0);
  const auto last = static_cast<int32_t>(text[40]);
  EXPECT_EQ(static_cast<int32_t>(text[41]),
            null_answer(0, last, 40, model_.loaded.model.info.vocab));
}

TEST_F(NullEngineTest, DraftsAreRightAsOftenAsWanted) {
  for (const double agreement : {0.0, 0.5, 1.0}) {
    open(agreement);
    write(8, 1);
    const double accepted =
        static_cast<double>(drafts_.accepted) / static_cast<double>(drafts_.proposed);
    EXPECT_NEAR(accepted, agreement, agreement == 0.5 ? 0.1 : 0.0);
    EXPECT_GT(drafts_.proposed, 200);
  }
}

TEST_F(NullEngineTest, TimeIsWhatTheRunsTake) {
  open(1);
  write(1, 0);
  // Twenty rows and the first token, then 59 steps of one row. The head follows the prompt.
  const double trunk_ms = 30 + 59 * 11;
  EXPECT_GE(clock_ms_, trunk_ms);
  EXPECT_LE(clock_ms_, trunk_ms * 1.2);
  EXPECT_GT(device_->totals().draft_runs, 0);
}

TEST_F(NullEngineTest, MemoryIsCountedAndNotHeld) {
  open(1);
  const NullTotals before = device_->totals();
  const auto engine =
      Engine::make(model_.loaded, {.context = 1 << 20, .sequences_max = 64}, {.tokens = 100});
  ASSERT_TRUE(engine.ok()) << engine.error().message();
  EXPECT_GT(device_->totals().state_bytes - before.state_bytes, int64_t{1} << 33);
  EXPECT_EQ(before.weight_bytes, device_->totals().weight_bytes);
}

}  // namespace
}  // namespace troika::testing
