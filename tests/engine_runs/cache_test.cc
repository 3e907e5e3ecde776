// The prefix cache in the engine: a text that begins where another left off is the text that was
// computed in full, in tokens, in every logit row and in what its drafts were worth. Every page is
// not a number until it is written, so that what should not be read would show.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <random>

#include "engine/engine.h"
#include "support/devices.h"
#include "support/generate.h"
#include "support/models.h"

namespace troika::testing {
namespace {

constexpr int64_t kContext = 512;

struct Case {
  std::string model;
  DType kv_dtype = DType::f16;
  bool reference = false;  // device; else the fastest
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.model << ", KV " << dtype_info(c.kv_dtype).name
             << (c.reference ? ", reference" : "");
}

class CacheRunTest : public ::testing::TestWithParam<Case> {
 protected:
  CacheRunTest()
      : device_((GetParam().reference ? model_devices().front() : model_devices().back()).make(2)),
        model_(open_model(model_path(GetParam().model), *device_)) {}

  const ModelInfo& info() const { return model_.loaded.model.info; }
  bool checkpointed() const { return info().recurrent; }

  std::unique_ptr<Engine> engine(EngineOptions options) {
    options.context = kContext;
    options.kv_dtype = GetParam().kv_dtype;
    auto made = Engine::make(model_.loaded, options, {.tokens = info().vocab});
    EXPECT_TRUE(made.ok()) << made.error().message();
    if (made.ok()) add_tenants(**made, 3);
    return std::move(*made);
  }

  std::unique_ptr<Engine> cached_engine(EngineOptions options = {}) {
    options.cache.on = true;
    options.cache.poison = true;
    if (options.cache.checkpoint_bytes == 0)
      options.cache.checkpoint_bytes = 16 * checkpoint_bytes();
    return engine(options);
  }

  int64_t checkpoint_bytes() const {
    return Forward::checkpoint_bytes(
        model_.loaded.model,
        {.kv_dtype = GetParam().kv_dtype, .log_tokens = EngineOptions{}.draft_tokens_max});
  }

  std::vector<TokenId> tokens(int seed, int64_t count) const {
    std::mt19937 random(static_cast<uint32_t>(seed));
    std::vector<TokenId> ids;
    for (int64_t i = 0; i < count; i++)
      ids.push_back(static_cast<TokenId>(random() % static_cast<uint64_t>(info().vocab)));
    return ids;
  }

  Request request(std::vector<TokenId> prompt, int64_t tokens_max, int64_t depth) const {
    Request r{.prompt = std::move(prompt), .tokens_max = tokens_max};
    r.sampling = {.seed = 3, .temperature = 1.0};
    if (info().draft_head && depth > 0)
      r.speculation = {.type = SpecType::mtp, .depth_max = depth};
    else
      r.speculation = {.type = SpecType::none};
    return r;
  }

  /// What the request gives in an engine without a cache.
  const Written& cold(const Request& r) {
    const auto key = std::tuple(r.prompt, r.tokens_max, r.speculation.depth_max);
    if (!cold_.contains(key)) {
      if (plain_ == nullptr) plain_ = engine({});
      cold_[key] = write_text(*plain_, r);
    }
    return cold_[key];
  }

  void expect_cold(const Written& written, const Request& r, const std::string& what) {
    const Written& wanted = cold(r);
    EXPECT_EQ(written.tokens, wanted.tokens) << what;
    EXPECT_EQ(written.logits_xxh64, wanted.logits_xxh64) << what;
    // The head's cells, too, are those of the text that was computed in full.
    EXPECT_EQ(written.drafts.accepted, wanted.drafts.accepted) << what;
    EXPECT_EQ(written.drafts.proposed, wanted.drafts.proposed) << what;
  }

  std::unique_ptr<Device> device_;
  OpenModel model_;
  std::unique_ptr<Engine> plain_;
  std::map<std::tuple<std::vector<TokenId>, int64_t, int64_t>, Written> cold_;
};

TEST_P(CacheRunTest, WarmTextsAreColdOnes) {
  for (const int64_t depth : {0, 3}) {
    const auto e = cached_engine();
    for (const int64_t prompt : {20, 64, 65, 130, 200}) {
      const Request r = request(tokens(static_cast<int>(prompt), prompt), 24, depth);
      const Written first = write_text(*e, r);
      const Written warm = write_text(*e, r);
      ASSERT_TRUE(e->memory().cache()->make_room(e->memory().pages().count(), TenantId{}));
      const Written evicted = write_text(*e, r);
      const std::string what = fmt::format("prompt {}, depth {}", prompt, depth);
      expect_cold(first, r, what + ", first");
      expect_cold(warm, r, what + ", warm");
      expect_cold(evicted, r, what + ", evicted");
      EXPECT_EQ(first.cached_tokens, 0);
      EXPECT_EQ(evicted.cached_tokens, 0);
      EXPECT_EQ(warm.cached_tokens,
                checkpointed() ? (prompt - 1) / kPageTokens * kPageTokens : prompt - 1)
          << what;
    }
  }
}

TEST_P(CacheRunTest, ATurnComputesItsNewTokensOnly) {
  for (const int64_t depth : {0, 2, 8}) {
    const auto e = cached_engine();
    std::vector<TokenId> talk = tokens(1, 100);
    for (int turn = 0; turn < 4; turn++) {
      const Request r = request(talk, 37, depth);
      const int64_t rows_before = e->forward().trunk_rows();
      const Written written = write_text(*e, r);
      expect_cold(written, r, fmt::format("turn {}, depth {}", turn, depth));
      // The last token of an answer was chosen, not read, unless it had been drafted.
      const int64_t new_tokens = std::ssize(talk) - written.cached_tokens;
      const int64_t answer_rows = written.drafts.steps + written.drafts.proposed;
      EXPECT_EQ(e->forward().trunk_rows() - rows_before, new_tokens + answer_rows);
      if (turn > 0) {
        EXPECT_GE(new_tokens, 15);
        EXPECT_LE(new_tokens, 16);
      }
      talk.insert(talk.end(), written.tokens.begin(), written.tokens.end());
      const auto question = tokens(10 + turn, 15);
      talk.insert(talk.end(), question.begin(), question.end());
    }
  }
}

TEST_P(CacheRunTest, LongPromptsLeaveCheckpointsOnTheirWay) {
  EngineOptions options{.chunk_tokens = 50};
  options.cache.interval_tokens = 100;
  options.cache.pages = 32;
  const auto e = cached_engine(options);
  const std::vector<TokenId> text = tokens(5, 330);
  write_text(*e, request(text, 4, 2));
  for (const int64_t common : {90, 150, 210, 320}) {
    std::vector<TokenId> other(text.begin(), text.begin() + common);
    const auto tail = tokens(static_cast<int>(common), 40);
    other.insert(other.end(), tail.begin(), tail.end());
    const Request r = request(other, 12, 2);
    const Written written = write_text(*e, r);
    expect_cold(written, r, fmt::format("{} tokens in common", common));
    if (checkpointed())
      EXPECT_EQ(written.cached_tokens, common == 320 ? 320 : common / 100 * 100);
    else
      EXPECT_GE(written.cached_tokens, common);
  }
}

TEST_P(CacheRunTest, ACutOffTextGoesOnWithTheSameBits) {
  const auto e = cached_engine({.chunk_tokens = 48});
  const Request r = request(tokens(8, 150), 30, 3);
  for (const int steps : {1, 2, 4, 7, 9}) {
    const Result<SeqId> id = e->submit(r);
    ASSERT_TRUE(id.ok());
    for (int i = 0; i < steps; i++) ASSERT_TRUE(e->step().ok());
    e->cancel(*id);
    e->release(*id);
    expect_cold(write_text(*e, r), r, fmt::format("cut after {} steps", steps));
  }
}

TEST_P(CacheRunTest, AnotherTenantsTextsAreNeverUsed) {
  const auto e = cached_engine({.sequences_max = 2});
  Request r = request(tokens(3, 180), 10, 3);
  r.tenant = TenantId{1};
  write_text(*e, r);
  EXPECT_GT(write_text(*e, r).cached_tokens, 0);
  r.tenant = TenantId{2};
  const Written other = write_text(*e, r);
  EXPECT_EQ(other.cached_tokens, 0);
  expect_cold(other, r, "another tenant");
  r.cache.group = GroupId{1};
  EXPECT_EQ(write_text(*e, r).cached_tokens, 0);
  r.tenant = TenantId{1};
  const Written shared = write_text(*e, r);
  EXPECT_GT(shared.cached_tokens, 0);
  expect_cold(shared, r, "of the same group");
  r.cache = {.on = false};
  EXPECT_EQ(write_text(*e, r).cached_tokens, 0);
}

TEST_P(CacheRunTest, AFloodChangesNothingAboveTheFloor) {
  std::vector<Request> mine;
  for (const int seed : {1, 2, 1, 2, 3, 1}) mine.push_back(request(tokens(seed, 100), 8, 3));
  const auto cached_tokens = [&](bool flood) {
    EngineOptions options{.chunk_tokens = 128};
    options.cache.pages = 16;
    const auto e = cached_engine(options);
    EXPECT_TRUE(e->memory()
                    .cache()
                    ->set_limits(TenantId{1}, {.pages_min = 12, .checkpoints_min = 10})
                    .ok());
    std::vector<int64_t> cached;
    int seed = 100;
    for (const Request& r : mine) {
      for (int i = 0; flood && i < 6; i++) {
        Request other = request(tokens(seed++, 200), 2, 0);
        other.tenant = TenantId{2};
        write_text(*e, std::move(other));
      }
      Request own = r;
      own.tenant = TenantId{1};
      cached.push_back(write_text(*e, std::move(own)).cached_tokens);
    }
    return cached;
  };
  const std::vector<int64_t> alone = cached_tokens(false);
  EXPECT_GT(alone.back(), 0);
  EXPECT_EQ(cached_tokens(true), alone);
}

TEST_P(CacheRunTest, TakesTheMemoryThatWasPlanned) {
  EngineOptions options{.context = kContext, .kv_dtype = GetParam().kv_dtype};
  options.cache = {.on = true, .pages = 5, .checkpoint_bytes = 3 * checkpoint_bytes() + 1};
  const auto e = engine(options);
  const MemoryPlan plan = plan_memory({}, model_.loaded.model.states,
                                      Engine::memory_need(model_.loaded.model, options));
  EXPECT_EQ(plan.checkpoints, 3 * checkpoint_bytes());
  const int64_t logits = e->forward().options().step_outputs_max * info().vocab * 4;
  EXPECT_EQ(e->forward().device_bytes(), plan.total() + logits);
  EXPECT_EQ(e->memory().pages().count(), kContext / kPageTokens + 1 + 5);
}

TEST_P(CacheRunTest, WhatWasDroppedComesBackFromDisk) {
  for (const bool damaged : {false, true}) {
    EngineOptions options;
    options.cache.pages = 1;
    options.cache.checkpoint_bytes = 2 * checkpoint_bytes();
    options.cache.disk_folder = ::testing::TempDir();
    options.cache.disk_bytes = int64_t{1} << 30;
    int warnings = 0;
    options.cache.on_disk_warning = [&](const std::string&) { warnings++; };
    const auto e = cached_engine(options);
    const Request mine = request(tokens(1, 200), 6, 2);
    EXPECT_EQ(write_text(*e, mine), cold(mine));
    for (int seed = 50; seed < 56; seed++) write_text(*e, request(tokens(seed, 300), 2, 0));
    ASSERT_GT(e->statistics().disk_bytes, 0);
    const std::string folder = e->memory().stored()->store().folder();
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (damaged && entry.file_size() > 100)
        std::filesystem::resize_file(entry.path(), entry.file_size() - 1);
    Request other = mine;  // of somebody else
    other.tenant = TenantId{1};
    EXPECT_EQ(write_text(*e, other).cached_tokens, 0);
    for (int seed = 60; seed < 66; seed++) write_text(*e, request(tokens(seed, 300), 2, 0));
    const Written again = write_text(*e, mine);
    EXPECT_EQ(again, cold(mine));
    EXPECT_EQ(again.cached_tokens >= 192, !damaged) << again.cached_tokens;
    EXPECT_EQ(e->statistics().disk_pages_read > 0, !damaged);
    EXPECT_EQ(warnings > 0, damaged);
  }
}

/// Runs until all have ended; what each found in the cache.
std::vector<int64_t> write_all(Engine& e, const std::vector<Request>& requests) {
  std::vector<SeqId> ids;
  for (const Request& r : requests) ids.push_back(*e.submit(r));
  while (*e.step()) continue;
  std::vector<int64_t> cached;
  for (const SeqId id : ids) {
    EXPECT_EQ(e.sequence(id).finish, FinishReason::length);
    cached.push_back(e.sequence(id).cached_tokens);
    e.release(id);
  }
  return cached;
}

TEST_P(CacheRunTest, EqualPromptsAtTheSameTimeAreReadOnce) {
  EngineOptions options{.sequences_max = 3, .chunk_tokens = 48};
  const auto e = cached_engine(options);
  const std::vector<TokenId> beginning = tokens(7, 200);
  std::vector<Request> requests;
  for (int i = 0; i < 3; i++) {
    Request& r = requests.emplace_back(request(beginning, 4, 0));
    r.prompt.push_back(static_cast<TokenId>(i));
  }
  const std::vector<int64_t> cached = write_all(*e, requests);
  EXPECT_EQ(cached[0], 0);
  EXPECT_GE(cached[1], 192);
  EXPECT_GE(cached[2], 192);

  // No tenant waits for another, or finds anything of it.
  std::vector<Request> others = {request(tokens(8, 200), 4, 0), request(tokens(8, 200), 4, 0)};
  others[1].tenant = TenantId{2};
  EXPECT_EQ(write_all(*e, others), (std::vector<int64_t>{0, 0}));
}

TEST_P(CacheRunTest, WhoReadsTheBeginningMayGo) {
  const auto e = cached_engine({.sequences_max = 2, .chunk_tokens = 16});
  const Request r = request(tokens(9, 150), 4, 0);
  const SeqId first = *e->submit(r), second = *e->submit(r);
  for (int i = 0; i < 3; i++) ASSERT_TRUE(*e->step());
  EXPECT_EQ(e->sequence(second).computed, 0);
  e->cancel(first);
  while (*e->step()) continue;
  EXPECT_EQ(e->sequence(second).finish, FinishReason::length);
}

TEST_P(CacheRunTest, ADraftModelTakesTheMemoryThatWasPlanned) {
  const EngineOptions plain{
      .context = kContext, .sequences_max = 2, .kv_dtype = GetParam().kv_dtype};
  EngineOptions drafted = plain;
  drafted.draft_model = &model_.loaded;
  const int64_t bytes = engine(drafted)->device_bytes() - engine(plain)->device_bytes();
  const MemoryPlan plan = plan_memory({}, model_.loaded.model.states,
                                      Engine::draft_model_need(model_.loaded.model, drafted));
  EXPECT_EQ(bytes, plan.total() + plain.sequences_max * info().vocab * 4);
  EXPECT_GT(plan.kv.total(), 0);
}

TEST_P(CacheRunTest, RefusesOptionsOutOfRange) {
  for (const CacheOptions& cache :
       {CacheOptions{.on = true, .pages = -1}, CacheOptions{.on = true, .checkpoint_bytes = -1},
        CacheOptions{.on = true, .interval_tokens = 0}})
    EXPECT_FALSE(
        Engine::make(model_.loaded, {.context = 64, .cache = cache}, {.tokens = info().vocab})
            .ok());
}

/// Many texts of several tenants, side by side and with little room: pages and checkpoints come and
/// go, texts are cut off.
TEST_P(CacheRunTest, AmongStrangersUnderEviction) {
  EngineOptions options{.sequences_max = 3, .chunk_tokens = 70};
  options.cache.pages = 6;
  options.cache.interval_tokens = 128;
  options.cache.checkpoint_bytes = 8 * checkpoint_bytes();
  const auto e = cached_engine(options);
  std::vector<Request> requests;
  for (int i = 0; i < 12; i++) {
    std::vector<TokenId> prompt = tokens(i % 3, 70 * (1 + i % 4));
    const auto tail = tokens(100 + i % 5, 9 * (i % 5));
    prompt.insert(prompt.end(), tail.begin(), tail.end());
    requests.push_back(request(prompt, 5 + 3 * (i % 7), i % 4));
  }
  struct Running {
    SeqId id;
    size_t request;
  };
  std::vector<std::unique_ptr<Running>> running;
  std::mt19937 random(9);
  int64_t finished = 0, cached = 0;
  while (finished < 80) {
    if (running.size() < 3) {
      auto started = std::make_unique<Running>();
      started->request = random() % requests.size();
      Request r = requests[started->request];
      r.tenant = static_cast<TenantId>(random() % 3);
      const Result<SeqId> id = e->submit(std::move(r));
      ASSERT_TRUE(id.ok()) << id.error().message();
      started->id = *id;
      running.push_back(std::move(started));
    }
    ASSERT_TRUE(e->step().ok());
    for (auto& task : running) {
      const Sequence& s = e->sequence(task->id);
      const bool cut = random() % 40 == 0;
      if (s.finish == FinishReason::none && !cut) continue;
      const Written& wanted = cold(requests[task->request]);
      const std::vector<TokenId> answer(s.tokens.begin() + s.prompt_tokens, s.tokens.end());
      ASSERT_LE(answer.size(), wanted.tokens.size());
      ASSERT_TRUE(std::equal(answer.begin(), answer.end(), wanted.tokens.begin()))
          << "request " << task->request << ", " << s.cached_tokens << " tokens cached";
      cached += s.cached_tokens > 0;
      finished++;
      e->release(task->id);
      task = nullptr;
    }
    std::erase(running, nullptr);
  }
  EXPECT_GT(cached, 3);
  EXPECT_GT(e->memory().cache()->statistics().pages_dropped, 20);
}

/// A long chat with the demo model: the second turn reads what is new, and nothing else.
TEST(CacheRun, TheSecondTurnOfALongChatIsShort) {
  constexpr int64_t kFirstTurn = 4000;
  const auto device = model_devices().back().make(2);
  const OpenModel model = open_model(model_path("troika-demo"), *device);
  const int64_t checkpoint = Forward::checkpoint_bytes(
      model.loaded.model, {.log_tokens = EngineOptions{}.draft_tokens_max});
  const int64_t vocab = model.loaded.model.info.vocab;
  auto engine = Engine::make(
      model.loaded, {.context = 5000, .cache = {.on = true, .checkpoint_bytes = 6 * checkpoint}},
      {.tokens = vocab});
  ASSERT_TRUE(engine.ok()) << engine.error().message();
  std::vector<TokenId> talk;
  const auto say = [&](int64_t count) {
    for (int64_t i = 0; i < count; i++)
      talk.push_back(static_cast<TokenId>((std::ssize(talk) * 7919 + 13) % vocab));
  };
  std::vector<double> first_token_ms;
  std::vector<int64_t> rows;
  const auto turn = [&] {
    using Clock = std::chrono::steady_clock;
    const int64_t rows_before = (*engine)->forward().trunk_rows();
    const auto start = Clock::now();
    const size_t turns = first_token_ms.size();
    Request r{.prompt = talk, .tokens_max = 40, .speculation = {.type = SpecType::mtp}};
    r.on_token = [&](TokenId) {
      if (first_token_ms.size() > turns) return;
      first_token_ms.push_back(
          std::chrono::duration<double, std::milli>(Clock::now() - start).count());
      rows.push_back((*engine)->forward().trunk_rows() - rows_before);
    };
    const Written written = write_text(**engine, std::move(r));
    talk.insert(talk.end(), written.tokens.begin(), written.tokens.end());
  };
  say(kFirstTurn);
  turn();
  say(20);
  turn();
  EXPECT_EQ(rows[0], kFirstTurn);
  EXPECT_GE(rows[1], 20);
  EXPECT_LE(rows[1], 21);
  std::printf("first token after %.2f ms, then after %.2f ms\n", first_token_ms[0],
              first_token_ms[1]);
}

std::vector<Case> cases() {
  std::vector<Case> all = {{"qwen3-f32"},
                           {"llama-moe-q8_0"},
                           {"qwen35moe-q8_0"},
                           {"k-qwen35-mix4k"},
                           {"troika-demo"},
                           {"llama-f32", DType::f16, true},
                           {"qwen35-succ-q8_0", DType::f16, true}};
  for (const DType kv : kv_dtypes())
    for (const char* model : {"k-llama-q4_k", "k-qwen35-mix4k"})
      if (kv != DType::f16) all.push_back({model, kv});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Models, CacheRunTest, ::testing::ValuesIn(cases()), [](const auto& test) {
  std::string name = test.param.model + "_" + std::string(dtype_info(test.param.kv_dtype).name);
  if (test.param.reference) name += "_reference";
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace troika::testing
