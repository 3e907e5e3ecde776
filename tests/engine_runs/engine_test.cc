// The engine over real graphs: refusals, ends of texts, and sequences side by side.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include "engine/evaluate.h"
#include "engine/scripted_drafter.h"
#include "support/devices.h"
#include "support/generate.h"
#include "support/models.h"

namespace troika::testing {
namespace {

class EngineTest : public ::testing::Test {
 protected:
  EngineTest()
      : device_(make_reference_device()),
        model_(open_model(test_data("fixtures") / "models" / "qwen35-succ-q8_0.gguf", *device_)) {}

  int64_t vocab() const { return model_.loaded.model.info.vocab; }

  std::unique_ptr<Engine> engine(EngineOptions options, std::span<const TokenId> end_tokens = {}) {
    auto made = Engine::make(model_.loaded, options, {.tokens = vocab(), .end_tokens = end_tokens});
    EXPECT_TRUE(made.ok()) << made.error().message();
    return std::move(*made);
  }

  Request request(int first, int64_t prompt, int64_t tokens_max) const {
    Request r{.tokens_max = tokens_max, .speculation = {.type = SpecType::mtp, .depth_max = 3}};
    for (int64_t i = 0; i < prompt; i++)
      r.prompt.push_back(static_cast<TokenId>((first + 7 * i) % vocab()));
    r.sampling.temperature = 0;
    return r;
  }

  std::string refusal(Engine& e, Request r) {
    const auto id = e.submit(std::move(r));
    EXPECT_FALSE(id.ok());
    return id.ok() ? "" : id.error().message();
  }

  std::unique_ptr<Device> device_;
  OpenModel model_;
};

TEST_F(EngineTest, RefusesWhatCannotBeWritten) {
  const auto e = engine({.context = 64});
  EXPECT_NE(refusal(*e, request(0, 0, 4)).find("the prompt is empty"), std::string::npos);
  EXPECT_NE(refusal(*e, request(0, 64, 4)).find("the prompt has 64 tokens and the context 64"),
            std::string::npos);
  Request bad_id = request(0, 4, 4);
  bad_id.prompt[2] = static_cast<TokenId>(vocab());
  EXPECT_NE(refusal(*e, bad_id).find("the prompt holds id"), std::string::npos);
  Request deep = request(0, 4, 4);
  deep.speculation.depth_max = 9;
  EXPECT_NE(refusal(*e, deep).find("the draft depth is 9, wanted 0 to 8"), std::string::npos);
  Request hot = request(0, 4, 4);
  hot.sampling.top_p = 7;
  EXPECT_FALSE(refusal(*e, hot).empty());
}

TEST_F(EngineTest, RefusesOptionsOutOfRange) {
  for (const EngineOptions& options :
       {EngineOptions{.context = 0}, EngineOptions{.context = int64_t{1} << 40},
        EngineOptions{.sequences_max = 0}, EngineOptions{.chunk_tokens = 0},
        EngineOptions{.draft_tokens_max = 17}, EngineOptions{.kv_dtype = DType::q4_0}})
    EXPECT_FALSE(Engine::make(model_.loaded, options, {.tokens = vocab()}).ok());
}

TEST_F(EngineTest, WritesUntilTheContextIsFull) {
  const auto e = engine({.context = 32});
  const Written w = write_text(*e, request(3, 20, -1));
  EXPECT_EQ(w.tokens.size(), 12u);
}

// Every token that the model writes here is its predecessor's successor, all over the vocabulary:
// most of them can be drafted only once the text holds their block.
TEST_F(EngineTest, DraftsFromAPartOfTheVocabulary) {
  const OpenModel part = open_model(test_data("fixtures") / "models" / "qwen35-succ-q8_0.gguf",
                                    *device_, {.draft_rows = 90});
  EXPECT_EQ(part.loaded.model.info.draft_blocks, 6);
  const auto all_rows = engine({.context = 128});
  const Written all = write_text(*all_rows, request(3, 20, 60));
  auto some_rows = Engine::make(part.loaded, {.context = 128}, {.tokens = vocab()});
  ASSERT_TRUE(some_rows.ok());
  for (const double temperature : {0.0, 0.01}) {
    Request r = request(3, 20, 60);
    r.sampling.temperature = temperature;
    const Written some = write_text(**some_rows, std::move(r));
    if (temperature == 0) {
      EXPECT_EQ(some.logits_xxh64, all.logits_xxh64);
    }
    EXPECT_GT(some.drafts.accepted, 0);
    EXPECT_LT(some.drafts.accepted, all.drafts.accepted);
  }
}

TEST_F(EngineTest, StopsAtAnEndTokenEvenInsideAVerification) {
  const auto free = engine({.context = 128});
  const Written all = write_text(*free, request(3, 20, 40));
  const std::vector<TokenId> end = {all.tokens[17]};
  const auto first = std::ranges::find(all.tokens, end[0]) - all.tokens.begin();
  const auto e = engine({.context = 128}, end);
  const Written w = write_text(*e, request(3, 20, 40));
  EXPECT_EQ(w.tokens, std::vector(all.tokens.begin(), all.tokens.begin() + first + 1));
}

TEST_F(EngineTest, NothingToDoIsNotAnError) {
  const auto e = engine({.context = 32});
  EXPECT_FALSE(*e->step());
  EXPECT_TRUE(write_text(*e, request(3, 20, 0)).tokens.empty());
}

TEST_F(EngineTest, CancelledSequencesRestAndReleasedOnesMakeRoom) {
  const auto e = engine({.context = 64});
  const SeqId id = *e->submit(request(1, 10, 40));
  const SeqId waits = *e->submit(request(2, 10, 4));
  const SeqId never = *e->submit(request(3, 10, 4));
  EXPECT_TRUE(*e->step());
  EXPECT_EQ(e->sequence(waits).computed, 0);
  e->cancel(id);
  e->cancel(never);
  while (*e->step()) continue;
  EXPECT_EQ(e->sequence(id).finish, FinishReason::cancelled);
  EXPECT_EQ(e->sequence(never).finish, FinishReason::cancelled);
  EXPECT_EQ(e->sequence(never).tokens.size(), 10u);
  EXPECT_EQ(e->sequence(waits).finish, FinishReason::length);
  for (const SeqId ended : {id, waits, never}) e->release(ended);
  EXPECT_EQ(write_text(*e, request(2, 10, 4)).tokens.size(), 4u);
}

TEST_F(EngineTest, TextsThatCannotStartAreNothingToDo) {
  const auto e = engine({.context = 64});
  Request kept = request(1, 10, 4);
  kept.keep_state = true;
  const SeqId holder = *e->submit(kept);
  while (*e->step()) continue;
  const SeqId waits = *e->submit(request(2, 10, 4));
  EXPECT_FALSE(*e->step());
  EXPECT_EQ(e->sequence(waits).finish, FinishReason::none);
  e->release(holder);
  while (*e->step()) continue;
  EXPECT_EQ(e->sequence(waits).finish, FinishReason::length);
}

TEST_F(EngineTest, AFullQueueSaysWhenToComeBack) {
  const auto e = engine({.context = 64, .default_tenant = {.queue_max = 2}});
  for (int i = 0; i < 2; i++) EXPECT_TRUE(e->submit(request(i, 10, 4)).ok());
  EXPECT_NE(refusal(*e, request(3, 10, 4)).find("the queue of tenant 0 is full"),
            std::string::npos);
  EXPECT_GT(e->retry_after_s(), 0);
  Request stranger = request(3, 10, 4);
  stranger.tenant = TenantId{7};
  EXPECT_NE(refusal(*e, stranger).find("7"), std::string::npos);
}

TEST_F(EngineTest, TextsEndWhenTheirTimeIsUp) {
  double now_ms = 0;
  const auto e = engine({.context = 64, .clock_ms = [&now_ms] { return now_ms; }});
  Request hurried = request(1, 10, 40), patient = request(2, 10, 4);
  hurried.timeout_ms = 100;
  const SeqId ends = *e->submit(hurried), waits = *e->submit(patient);
  hurried.timeout_ms = 5;
  const SeqId never = *e->submit(hurried);
  EXPECT_TRUE(*e->step());
  now_ms = 50;
  EXPECT_TRUE(*e->step());
  EXPECT_EQ(e->sequence(never).finish, FinishReason::expired);
  EXPECT_EQ(e->sequence(ends).finish, FinishReason::none);
  now_ms = 101;
  while (*e->step()) continue;
  EXPECT_EQ(e->sequence(ends).finish, FinishReason::expired);
  EXPECT_GT(e->sequence(ends).tokens.size(), 10u);
  EXPECT_EQ(e->sequence(waits).finish, FinishReason::length);
}

TEST_F(EngineTest, SequencesSideBySideWriteWhatEachWritesAlone) {
  const auto alone = engine({.context = 256});
  const auto many = engine({.context = 256, .sequences_max = 3, .chunk_tokens = 16});
  std::vector<SeqId> ids;
  std::vector<Request> requests;
  for (int i = 0; i < 3; i++) {
    requests.push_back(request(5 * i + 1, 10 + 37 * i, 30));
    requests.back().speculation.depth_max = 2 * i;
    if (i == 1) requests.back().sampling = {.seed = 5, .temperature = 1};
    ids.push_back(*many->submit(requests.back()));
  }
  while (*many->step()) continue;
  for (size_t i = 0; i < ids.size(); i++) {
    const Sequence& s = many->sequence(ids[i]);
    EXPECT_EQ(std::vector(s.tokens.begin() + s.prompt_tokens, s.tokens.end()),
              write_text(*alone, requests[i]).tokens)
        << i;
  }
}

/// Writes the text with depths by choice, over a machine on which a pass of any number of rows
/// takes 10 ms and a draft of any depth 1 ms; drafts are all right or all wrong.
DraftStatistics drafts_of(const OpenModel& model, Request request, bool right) {
  const int64_t vocab = model.loaded.model.info.vocab;
  const TokenRules rules{.tokens = vocab, .end_tokens = {}};
  auto plain = Engine::make(model.loaded, {.context = 512}, rules);
  EXPECT_TRUE(plain.ok());
  request.speculation = {.type = SpecType::none, .depth_max = 0};
  const Written wanted = write_text(**plain, request);
  std::vector<TokenId> text = request.prompt;
  text.insert(text.end(), wanted.tokens.begin(), wanted.tokens.end());

  int64_t calls = -1;  // at the submission; three a step: before drafting, after it, after the pass
  const auto clock_ms = [calls]() mutable {
    const int64_t call = calls++;
    if (call < 0) return 0.0;
    return static_cast<double>(call / 3 * 11 + (call % 3 == 0 ? 0 : call % 3 == 1 ? 1 : 11));
  };
  auto engine = Engine::make(
      model.loaded, {.context = 512, .clock_ms = clock_ms}, rules,
      std::make_unique<ScriptedDrafter>(text, vocab, [right](int64_t, int64_t) { return right; }));
  EXPECT_TRUE(engine.ok());
  request.speculation = {.type = SpecType::automatic, .depth_max = 8};
  const Written written = write_text(**engine, request);
  EXPECT_EQ(written.tokens, wanted.tokens);
  return written.drafts;
}

TEST_F(EngineTest, DraftsGoDeepWhereTheyAreAccepted) {
  const DraftStatistics drafts = drafts_of(model_, request(3, 20, 120), true);
  EXPECT_GT(drafts.accepted, 80);
  EXPECT_LT(drafts.steps, 40);
}

TEST_F(EngineTest, DraftsAreTurnedDownWhereTheyAreRefused) {
  const DraftStatistics drafts = drafts_of(model_, request(3, 20, 120), false);
  EXPECT_GT(drafts.proposed, 0);
  EXPECT_LT(drafts.proposed, 50);
  EXPECT_EQ(drafts.steps, 119);
}

TEST_F(EngineTest, EvaluateRefusesWhatItCannotCompute) {
  const RowSink ignore = [](int64_t, std::span<const float>) { return ok(); };
  const std::vector<TokenId> outside = {static_cast<TokenId>(vocab())};
  const std::vector<TokenId> one = {TokenId{1}};
  EXPECT_FALSE(evaluate(model_.loaded, {}, {}, ignore, {}).ok());
  EXPECT_FALSE(evaluate(model_.loaded, outside, {}, ignore, {}).ok());
  EXPECT_FALSE(evaluate(model_.loaded, one, {.chunk_tokens = 0}, ignore, {}).ok());
  EXPECT_TRUE(evaluate(model_.loaded, one, {}, ignore, ignore).ok());
}

}  // namespace
}  // namespace troika::testing
