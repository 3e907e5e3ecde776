// An engine on its thread, used by many: every request ends once, with the text that it would have
// had alone.
#include "engine/engine_thread.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <numeric>
#include <random>
#include <thread>

#include "support/devices.h"
#include "support/generate.h"
#include "support/models.h"

namespace troika::testing {
namespace {

constexpr int kTexts = 6;

class EngineThreadTest : public ::testing::Test {
 protected:
  EngineThreadTest()
      : device_(make_reference_device()),
        model_(open_model(test_data("fixtures") / "models" / "qwen35-succ-q8_0.gguf", *device_)) {}

  std::unique_ptr<Engine> engine(EngineOptions options = {}) {
    options.context = 64;
    options.sequences_max = 3;
    options.chunk_tokens = 16;
    auto made = Engine::make(model_.loaded, options,
                             {.tokens = model_.loaded.model.info.vocab, .end_tokens = {}});
    EXPECT_TRUE(made.ok()) << made.error().message();
    return std::move(*made);
  }

  std::unique_ptr<EngineThread> thread(int64_t requests_max = 4096) {
    auto made = EngineThread::start(engine(), {.requests_max = requests_max});
    EXPECT_TRUE(made.ok()) << made.error().message();
    return std::move(*made);
  }

  static Request request(int text, int64_t tokens_max) {
    Request r{.tokens_max = tokens_max};
    for (int i = 0; i < 5 + 3 * text; i++) r.prompt.push_back(static_cast<TokenId>(11 * text + i));
    r.sampling.temperature = text % 2 == 0 ? 0 : 1;
    r.sampling.seed = static_cast<uint64_t>(text);
    return r;
  }

  std::unique_ptr<Device> device_;
  OpenModel model_;
};

TEST_F(EngineThreadTest, TextsOfManyThreadsAreThoseOfEachAlone) {
  std::array<std::vector<TokenId>, kTexts> alone;
  for (int text = 0; text < kTexts; text++) {
    const auto e = engine();
    alone[static_cast<size_t>(text)] = write_text(*e, request(text, 8)).tokens;
  }
  const auto shared = thread();
  std::array<std::vector<TokenId>, kTexts> together;
  std::array<Ending, kTexts> endings;
  std::vector<std::thread> users;
  for (int text = 0; text < kTexts; text++)
    users.emplace_back([&, text] {
      Request r = request(text, 8);
      auto& tokens = together[static_cast<size_t>(text)];
      r.on_token = [&tokens](TokenId id) { tokens.push_back(id); };
      const Status taken = shared->submit(
          shared->new_id(), std::move(r),
          [&endings, text](const Ending& ending) { endings[static_cast<size_t>(text)] = ending; });
      EXPECT_TRUE(taken.ok());
    });
  for (std::thread& user : users) user.join();
  shared->drain();
  for (size_t text = 0; text < kTexts; text++) {
    EXPECT_EQ(together[text], alone[text]) << text;
    EXPECT_EQ(endings[text].finish, FinishReason::length);
    EXPECT_EQ(endings[text].answer_tokens, 8);
  }
  const EngineThreadStatistics done = shared->statistics();
  EXPECT_EQ(done.ended, kTexts);
  EXPECT_EQ(done.failed, 0);
  EXPECT_EQ(done.answer_tokens, 8 * kTexts);
}

TEST_F(EngineThreadTest, UnderSubmissionsAndCancellationsEveryRequestEndsOnce) {
  std::atomic<int> taken = 0, ended = 0, tokens = 0;
  {
    const auto shared = thread();
    std::vector<std::thread> users;
    for (unsigned user = 0; user < 4; user++)
      users.emplace_back([&, user] {
        std::mt19937 random(user);
        for (int i = 0; i < 25; i++) {
          Request r = request(static_cast<int>(random() % kTexts), 1 + random() % 6);
          r.on_token = [&](TokenId) { tokens++; };
          const RequestId id = shared->new_id();
          taken += shared->submit(id, std::move(r), [&](const Ending&) { ended++; }).ok() ? 1 : 0;
          if (random() % 3 == 0) shared->cancel(id);
          if (random() % 8 == 0) std::this_thread::yield();
        }
      });
    for (std::thread& user : users) user.join();
  }
  EXPECT_EQ(taken, 100);
  EXPECT_EQ(ended, 100);
}

/// Seconds of the stress below: TROIKA_STRESS_SECONDS, or a short while.
double stress_seconds() {
  const char* given = std::getenv("TROIKA_STRESS_SECONDS");
  return given != nullptr ? std::atof(given) : 0.5;
}

// With pages for a text and a half, sequences are set aside all the time; deadlines pass, callers
// change their minds, and statistics are read meanwhile. For the sanitizers above all.
TEST_F(EngineThreadTest, UnderStressEveryRequestEndsOnce) {
  EngineOptions options{.pages = 2};
  options.cache = {.on = true, .pages = 2, .interval_tokens = 64};
  options.scheduling.patience_s = 0;
  auto made = engine(options);
  for (const int32_t tenant : {1, 2, 3})
    ASSERT_TRUE(made->set_tenant(TenantId{tenant}, {.queue_max = 8}).ok());
  auto shared = std::move(*EngineThread::start(std::move(made), {.requests_max = 40}));
  std::atomic<int64_t> taken = 0, refused = 0, ended = 0, written = 0;
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(stress_seconds());
  std::vector<std::thread> users;
  for (int user = 0; user < 4; user++)
    users.emplace_back([&, user] {
      std::mt19937 random(static_cast<unsigned>(user));
      while (std::chrono::steady_clock::now() < end) {
        Request r = request(static_cast<int>(random() % kTexts), 1 + random() % 30);
        r.tenant = TenantId{user};
        r.priority = static_cast<PriorityClass>(random() % kPriorityClasses);
        if (random() % 4 == 0) r.timeout_ms = random() % 20;
        r.on_token = [&](TokenId) { written++; };
        const RequestId id = shared->new_id();
        const Status status = shared->submit(id, std::move(r), [&](const Ending&) { ended++; });
        (status.ok() ? taken : refused)++;
        if (random() % 5 == 0) shared->cancel(id);
        if (!status.ok()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (random() % 16 == 0) {
          EXPECT_LE(shared->statistics().running, 40);
        }
      }
    });
  for (std::thread& user : users) user.join();
  shared->drain();
  EXPECT_EQ(ended, taken);
  EXPECT_GT(written, 0);
  EXPECT_GT(taken, 0);
  shared.reset();
  EXPECT_EQ(ended, taken);
}

TEST_F(EngineThreadTest, RefusesWhatMakesNoSenseAndWhatIsTooMuch) {
  const auto shared = thread(2);
  EXPECT_EQ(shared->submit(shared->new_id(), {}, {}).error().code(), ErrorCode::invalid_argument);
  std::atomic<int> ended = 0;
  Status status = ok();
  int taken = 0;
  for (int i = 0; i < 50 && status.ok(); i++) {
    status = shared->submit(shared->new_id(), request(5, 20), [&](const Ending&) { ended++; });
    taken += status.ok() ? 1 : 0;
  }
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::exhausted);
  shared->drain();
  EXPECT_EQ(ended, taken);
  EXPECT_EQ(shared->submit(shared->new_id(), request(0, 1), {}).error().code(),
            ErrorCode::cancelled);
  EXPECT_FALSE(EngineThread::start(engine(), {.requests_max = 0}).ok());
  EXPECT_FALSE(EngineThread::start(engine(), {.statistics_ms = -1}).ok());
}

TEST_F(EngineThreadTest, HandsOverWhatAStepToldAtItsEnd) {
  std::vector<int> told;  // tokens of each step, of both texts
  int tokens = 0, endings = 0;
  int64_t steps = 0, rows = 0;
  auto shared =
      std::move(*EngineThread::start(engine(), {.on_step =
                                                    [&] {
                                                      if (tokens > 0) told.push_back(tokens);
                                                      tokens = 0;
                                                    },
                                                .on_worked =
                                                    [&](double seconds, int64_t step_rows) {
                                                      EXPECT_GE(seconds, 0);
                                                      steps++;
                                                      rows += step_rows;
                                                    }}));
  for (const int text : {0, 1}) {
    Request r = request(text, 5);
    r.speculation.type = SpecType::none;
    r.on_token = [&](TokenId) { tokens++; };
    ASSERT_TRUE(shared
                    ->submit(shared->new_id(), std::move(r),
                             [&](const Ending& ending) {
                               EXPECT_EQ(ending.cached_tokens, 0);
                               EXPECT_EQ(ending.stop_string, -1);
                               EXPECT_TRUE(ending.begun);
                               endings++;
                             })
                    .ok());
  }
  shared->drain();
  shared.reset();
  EXPECT_EQ(endings, 2);
  EXPECT_EQ(std::accumulate(told.begin(), told.end(), 0), 10);
  for (const int count : told) EXPECT_LE(count, 2);
  EXPECT_GE(steps, std::ssize(told));
  EXPECT_GE(rows, 10);  // a row for each token, and those of the prompts
}

TEST_F(EngineThreadTest, CallsTasksBetweenSteps) {
  auto shared = thread();
  std::vector<int> order;
  std::promise<bool> done;
  shared->call([&](Engine&) { order.push_back(1); });
  shared->call([&](Engine& engine) {
    order.push_back(2);
    done.set_value(engine.set_tenant(TenantId{7}, {}).ok());
  });
  EXPECT_TRUE(done.get_future().get());
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

/// Returns when the engine's thread has done all that it was asked for.
void settle(EngineThread& thread) {
  std::promise<void> done;
  thread.call([&done](Engine&) { done.set_value(); });
  done.get_future().wait();
}

TEST_F(EngineThreadTest, TellsWhatEachTenantHad) {
  EngineOptions options;
  options.cache = {.on = true, .pages = 4, .checkpoint_bytes = 1 << 24};
  const auto shared = std::move(*EngineThread::start(engine(options), {}));
  EXPECT_EQ(shared->engine_statistics()->tenants.size(), 1u);
  shared->call([](Engine& e) { EXPECT_TRUE(e.set_tenant(TenantId{7}, {}).ok()); });
  std::array<Ending, 3> endings;
  for (size_t i = 0; i < endings.size(); i++) {
    Request r = request(5, 12);
    r.tenant = TenantId{i == 0 ? 0 : 7};
    r.speculation = {.type = SpecType::mtp, .depth_max = 2};
    if (i == 2) r.prompt.insert(r.prompt.end(), {TokenId{1}, TokenId{2}});
    std::promise<Ending> ended;
    const auto on_end = [&ended](const Ending& ending) { ended.set_value(ending); };
    ASSERT_TRUE(shared->submit(shared->new_id(), std::move(r), on_end).ok());
    endings[i] = ended.get_future().get();
    EXPECT_EQ(endings[i].cached_tokens, i == 2 ? 20 : 0);
    EXPECT_GE(endings[i].queue_ms, 0);
    EXPECT_GT(endings[i].prompt_ms, 0);
    EXPECT_GT(endings[i].answer_ms, 0);
  }
  settle(*shared);
  const auto statistics = shared->engine_statistics();
  ASSERT_EQ(statistics->tenants.size(), 2u);
  EXPECT_GT(statistics->steps, 0);
  EXPECT_EQ(statistics->running + statistics->waiting, 0);
  EXPECT_EQ(statistics->pages_free + statistics->pages_cached, statistics->pages);
  const TenantReport& one = statistics->tenants[0];
  const TenantReport& seven = statistics->tenants[1];
  EXPECT_EQ(seven.tenant, TenantId{7});
  EXPECT_EQ(one.requests.finished, 1);
  EXPECT_EQ(seven.requests.finished, 2);
  EXPECT_EQ(seven.requests.served.cached, 20);
  EXPECT_EQ(seven.cache.hit_tokens, 20);
  EXPECT_EQ(one.cache.hit_tokens, 0);
  EXPECT_EQ(one.drafts.proposed, endings[0].drafts.proposed);
  EXPECT_GT(seven.drafts.of(DraftClass::mtp).proposed_at[1], 0);
  DraftStatistics sum = endings[1].drafts;
  sum += endings[2].drafts;
  EXPECT_EQ(seven.drafts.of(DraftClass::mtp).accepted_at, sum.of(DraftClass::mtp).accepted_at);
  EXPECT_EQ(statistics->drafts().steps, sum.steps + endings[0].drafts.steps);
}

TEST_F(EngineThreadTest, StatisticsAreReadWhileTextsAreWritten) {
  const auto shared = std::move(*EngineThread::start(engine(), {.statistics_ms = 0}));
  ASSERT_TRUE(shared->submit(shared->new_id(), request(1, -1), {}).ok());
  for (int64_t steps = 0; steps < 3;) {
    const auto statistics = shared->engine_statistics();
    EXPECT_GE(statistics->steps, steps);
    EXPECT_TRUE(statistics->running == 0 || statistics->tenants[0].requests.running == 1);
    steps = statistics->steps;
    std::this_thread::yield();
  }
}

TEST_F(EngineThreadTest, ACallbackMaySubmitAndCancel) {
  const auto shared = thread();
  std::atomic<int> ended = 0;
  const RequestId long_one = shared->new_id();
  ASSERT_TRUE(shared
                  ->submit(long_one, request(1, -1),
                           [&](const Ending& e) {
                             EXPECT_EQ(e.finish, FinishReason::cancelled);
                             ended++;
                           })
                  .ok());
  ASSERT_TRUE(shared
                  ->submit(shared->new_id(), request(2, 2),
                           [&](const Ending&) {
                             ended++;
                             shared->cancel(long_one);
                             EXPECT_TRUE(shared
                                             ->submit(shared->new_id(), request(3, 2),
                                                      [&](const Ending&) { ended++; })
                                             .ok());
                           })
                  .ok());
  while (ended < 3) std::this_thread::yield();
}

}  // namespace
}  // namespace troika::testing
