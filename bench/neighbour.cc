// One stream of a polite tenant beside 64 of another's, through HTTP: the machine of
// tests/engine_schedule/fairness_test.cc by the clock on the wall. A step takes 20 ms and 0.1 ms a
// row, asleep; 32 slots, 192 rows of prompts in a step, prompts of 300 to 500 tokens, answers of 50
// to 150, no drafts. One thread of this program reads all streams, on the same processors.
//
// first_token_ms_p95: of the polite tenant. share: its tokens a second, of what a sequence gets
// that never waits: a row in each step, its prompt in whole chunks.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "http_server/client.h"
#include "serve/app.h"
#include "serve/null_model.h"
#include "serve/tenants/tenant_store.h"
#include "support/temporary_folder.h"

namespace troika::testing {
namespace {

constexpr int64_t kSlots = 32;
constexpr int64_t kRowsMax = 192;
constexpr int64_t kPolite = 0;  // of the streams
constexpr int kAnswers = 100;
constexpr int kPassedOver = 3;  // answers until the others are at work

double now_ms() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

/// A user who asks again as soon as an answer is there.
class User {
 public:
  User(uint16_t port, std::string key, unsigned seed)
      : client_(port), key_(std::move(key)), random_(seed) {}

  int socket() const { return client_.socket(); }

  void ask() {
    std::vector<int64_t> prompt(static_cast<size_t>(between(300, 500)));
    for (int64_t& token : prompt) token = between(0, 255);
    tokens_ = between(50, 150);
    const std::string body =
        fmt::format(R"({{"prompt": [{}], "stream": true, "max_tokens": {}, "ignore_eos": true, )"
                    R"("speculative": "off", "temperature": 0}})",
                    fmt::join(prompt, ","), tokens_);
    tail_.clear();
    first_ms_ = -1;
    sent_ms_ = now_ms();
    client_.send(
        fmt::format("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                    "Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{}",
                    key_, body.size(), body));
  }

  /// Takes in what is there. True: the answer has ended.
  bool read() {
    constexpr size_t kTailBytes = 40;
    const std::string bytes = client_.receive();
    gone_ = bytes.empty();
    tail_ += bytes;
    if (first_ms_ < 0 && tail_.find("data: ") != std::string::npos) first_ms_ = now_ms() - sent_ms_;
    const bool ended = tail_.find("data: [DONE]") != std::string::npos &&
                       tail_.find("0\r\n\r\n") != std::string::npos;
    if (first_ms_ >= 0 && tail_.size() > kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
    return ended;
  }

  bool gone() const { return gone_; }
  double first_ms() const { return first_ms_; }
  int64_t tokens() const { return tokens_; }

 private:
  int64_t between(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(random_);
  }

  Client client_;
  const std::string key_;
  std::mt19937_64 random_;
  std::string tail_;
  double sent_ms_ = 0;
  double first_ms_ = -1;
  int64_t tokens_ = 0;
  bool gone_ = false;
};

struct Measured {
  std::vector<double> first_ms;
  int64_t tokens = 0;
  double seconds = 0;
  int64_t steps = 0;
  bool failed = false;
};

/// Until the polite user, the first, has its answers.
Measured use(std::vector<std::unique_ptr<User>>& users, const std::atomic<int64_t>& steps) {
  std::vector<pollfd> polls;
  for (auto& user : users) {
    polls.push_back({user->socket(), POLLIN, 0});
    user->ask();
  }
  Measured m;
  double start_ms = 0;
  int64_t steps_before = 0;
  constexpr int kSilenceMs = 60'000;
  for (int answers = 0; answers < kPassedOver + kAnswers;) {
    if (poll(polls.data(), polls.size(), kSilenceMs) <= 0) m.failed = true;
    for (size_t i = 0; i < polls.size() && !m.failed; i++) {
      if (polls[i].revents == 0) continue;
      User& user = *users[i];
      const bool ended = user.read();
      m.failed = user.gone();
      if (!ended) continue;
      if (i == kPolite && answers++ >= kPassedOver) {
        m.first_ms.push_back(user.first_ms());
        m.tokens += user.tokens();
      }
      if (i == kPolite && answers == kPassedOver) {
        start_ms = now_ms();
        steps_before = steps;
      }
      user.ask();
    }
    if (m.failed) return m;
  }
  m.seconds = (now_ms() - start_ms) / 1e3;
  m.steps = steps - steps_before;
  std::ranges::sort(m.first_ms);
  return m;
}

void neighbour(benchmark::State& state) {
  const auto others = static_cast<size_t>(state.range(0));
  const TemporaryFolder folder;
  std::atomic<int64_t> steps = 0;
  serve::AppOptions options;
  options.listener.port = 0;
  options.serving.alias = "demo";
  options.tenants_file = folder / "tenants.toml";
  auto store = serve::TenantStore::open_or_create(options.tenants_file);
  const std::vector<serve::TenantChange> room = {{"queue", int64_t{256}}};
  const auto polite = (*store)->add("polite", {});
  const auto loud = (*store)->add("loud", room);
  options.load = [&steps] {
    return load_null_model(
        kSlots, {.context = 1024, .chunk_tokens = kRowsMax, .on_run = [&steps](const NullRun& run) {
                   if (run.draft) return;
                   steps++;
                   const double ms = 20 + 0.1 * static_cast<double>(run.tokens);
                   std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(ms));
                 }});
  };
  auto app = serve::App::start(std::move(options));
  if (!app.ok() || !(*app)->wait_until_loaded().ok() || !polite.ok() || !loud.ok())
    return state.SkipWithError("the server does not start");
  std::vector<std::unique_ptr<User>> users;
  for (size_t i = 0; i <= others; i++)
    users.push_back(std::make_unique<User>((*app)->port(), i == kPolite ? polite->text : loud->text,
                                           static_cast<unsigned>(i)));
  Measured m;
  for (auto _ : state) m = use(users, steps);
  if (m.failed) return state.SkipWithError("an answer did not end");
  const double step_s = m.seconds / static_cast<double>(m.steps);
  constexpr double kPromptSteps = 3;  // of 400 tokens
  const auto tokens = static_cast<double>(m.tokens);
  const double never_waits_s = (tokens + kPromptSteps * kAnswers) * step_s;
  state.counters["first_token_ms_p95"] = m.first_ms[m.first_ms.size() * 95 / 100];
  state.counters["share"] = never_waits_s / m.seconds;
  state.counters["tokens_per_s"] = tokens / m.seconds;
  state.counters["step_ms"] = step_s * 1e3;
}
BENCHMARK(neighbour)->ArgName("others")->Arg(1)->Arg(64)->Iterations(1)->UseRealTime()->Unit(
    benchmark::kMillisecond);

}  // namespace
}  // namespace troika::testing
