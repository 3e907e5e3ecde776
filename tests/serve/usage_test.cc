// What the ledger has of requests that end in unusual ways.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "http_server/client.h"
#include "serve/app.h"
#include "serve/ledger/sqlite_ledger.h"
#include "serve/null_model.h"
#include "support/temporary_folder.h"

namespace troika::testing {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kChunkTokens = 64;

class UsageTest : public ::testing::Test {
 protected:
  /// A server whose steps wait while they are held.
  void open() {
    serve::AppOptions options;
    options.listener.port = 0;
    options.limits.write_s = 0.5;  // for a request to end whose client has left
    options.serving.alias = "demo";
    options.ledger.where = folder_ / "ledger.db";
    options.load = [this] {
      return load_null_model(4,
                             {.chunk_tokens = kChunkTokens, .on_run = [this](const NullRun& run) {
                                runs_++;
                                held_.wait(true);
                                if (!run.draft) rows_ += run.tokens;
                              }});
    };
    app_ = std::move(*serve::App::start(std::move(options)));
    ASSERT_TRUE(app_->wait_until_loaded().ok());
  }

  void hold(bool held) {
    held_ = held;
    held_.notify_all();
  }

  /// Stops the server, and reads what it left.
  std::vector<serve::UsageRecord> rows() {
    hold(false);
    app_.reset();
    std::vector<serve::UsageRecord> rows;
    const auto ledger = *serve::view_sqlite_ledger(folder_ / "ledger.db");
    EXPECT_TRUE(
        ledger->records({}, [&](const serve::UsageRecord& one) { rows.push_back(one); }).ok());
    return rows;
  }

  TemporaryFolder folder_;
  std::atomic<bool> held_ = false;
  std::atomic<int64_t> runs_ = 0, rows_ = 0;
  std::unique_ptr<serve::App> app_;
};

TEST_F(UsageTest, AClientThatHangsUpDuringItsPromptPaysForThePrompt) {
  open();
  hold(true);
  {
    Client client(app_->port());
    std::string prompt = "65";
    for (int i = 1; i < 400; i++) prompt += fmt::format(",{}", 65 + i % 26);
    const std::string body = fmt::format(R"({{"prompt": [{}], "n": 2}})", prompt);
    ASSERT_TRUE(client.send(fmt::format(
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
        body.size(), body)));
    while (runs_ == 0) std::this_thread::sleep_for(1ms);
  }
  while (app_->statistics().exchanges > 0) std::this_thread::sleep_for(1ms);
  const auto found = rows();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].outcome, "cancelled");
  EXPECT_LT(rows_, 400);
  EXPECT_EQ(found[0].usage.prompt_tokens, 400);  // it has begun
  EXPECT_EQ(found[0].usage.answer_tokens, 0);
}

TEST_F(UsageTest, AWholeAnswerCountsItsPromptOnce) {
  open();
  const ClientResponse r = Client(app_->port())
                               .request("POST", "/v1/completions",
                                        R"({"prompt": [65, 66, 67], "n": 3, "max_tokens": 5})");
  EXPECT_EQ(r.status, 200);
  const auto found = rows();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].outcome, "length");
  EXPECT_EQ(found[0].usage.prompt_tokens, 3);
  EXPECT_EQ(found[0].usage.answer_tokens, 15);
}

}  // namespace
}  // namespace troika::testing
