// The server as a whole, over a model that computes nothing: who is let in, what is told when, and
// what many clients at once get.
#include "serve/app.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <vector>

#include "http_server/client.h"
#include "serve/http/json.h"
#include "serve/null_model.h"

namespace troika::testing {
namespace {

using serve::Json;

class AppTest : public ::testing::Test {
 protected:
  static serve::AppOptions options(int64_t sequences = 8) {
    serve::AppOptions options;
    options.listener.port = 0;
    options.serving.alias = "demo";
    options.load = [sequences] { return load_null_model(sequences); };
    return options;
  }

  void open(serve::AppOptions options) {
    auto started = serve::App::start(std::move(options));
    ASSERT_TRUE(started.ok()) << started.error().message();
    app_ = std::move(*started);
    const Status loaded = app_->wait_until_loaded();
    ASSERT_TRUE(loaded.ok()) << loaded.error().message();
  }

  ClientResponse ask(std::string_view method, std::string_view path, std::string_view body = {},
                     std::string_view headers = {}) const {
    return Client(app_->port()).request(method, path, body, headers);
  }

  static Json json(const ClientResponse& response) {
    auto parsed = serve::parse_json(response.body);
    return parsed.ok() ? *parsed : Json::object();
  }

  std::unique_ptr<serve::App> app_;
};

TEST_F(AppTest, EverythingButHealthAndThePageNeedsAKey) {
  serve::AppOptions o = options();
  o.gate.api_keys = {"secret"};
  o.gate.admin_keys = {"other"};
  o.admin = serve::http::Listener{.port = 0};
  open(std::move(o));
  int open_routes = 0;
  for (const serve::Route& route : app_->router().routes()) {
    const std::string path =
        route.path.ends_with("/*") ? route.path.substr(0, route.path.size() - 1) + "x" : route.path;
    if (route.access == serve::Access::open) {
      EXPECT_TRUE(path == "/health" || path == "/ready" || path == "/" ||
                  path.starts_with("/page/"))
          << path;
      open_routes++;
      continue;
    }
    for (const char* headers : {"", "Authorization: Bearer guess\r\n", "X-Api-Key: other\r\n"})
      EXPECT_EQ(ask(route.method, path, "{}", headers).status, 401) << path;
    EXPECT_NE(ask(route.method, path, "{}", "Authorization: Bearer secret\r\n").status, 401)
        << path;
    EXPECT_NE(ask(route.method, path, "{}", "X-Api-Key: secret\r\n").status, 401) << path;
  }
  EXPECT_GE(open_routes, 2);
  for (const serve::Route& route : app_->admin_router().routes()) {
    if (route.access == serve::Access::open) continue;
    EXPECT_EQ(route.access, serve::Access::admin);
    Client client(app_->admin_port());
    EXPECT_EQ(client.request(route.method, route.path, "{}", "X-Api-Key: secret\r\n").status, 401);
    EXPECT_EQ(ask(route.method, route.path, "{}", "X-Api-Key: other\r\n").status, 404);
  }
}

TEST_F(AppTest, ListensAtOnceAndSaysWhenItIsReady) {
  std::promise<void> go;
  serve::AppOptions o = options();
  o.load = [&go]() -> Result<serve::ModelParts> {
    go.get_future().wait();
    return load_null_model(2);
  };
  app_ = std::move(*serve::App::start(std::move(o)));
  EXPECT_EQ(ask("GET", "/health").status, 200);
  EXPECT_EQ(ask("GET", "/ready").status, 503);
  const ClientResponse early = ask("POST", "/v1/completions", R"({"prompt": "a"})");
  EXPECT_EQ(early.status, 503);
  EXPECT_EQ(early.headers.at("retry-after"), "1");
  go.set_value();
  EXPECT_TRUE(app_->wait_until_loaded().ok());
  EXPECT_EQ(ask("GET", "/ready").status, 200);
}

TEST_F(AppTest, TellsWhyTheModelIsNotThere) {
  serve::AppOptions o = options();
  o.load = []() -> Result<serve::ModelParts> { return fail(ErrorCode::corrupt, "no model"); };
  app_ = std::move(*serve::App::start(std::move(o)));
  EXPECT_EQ(app_->wait_until_loaded().error().message(), "no model");
  EXPECT_EQ(ask("GET", "/ready").status, 503);
  EXPECT_EQ(ask("GET", "/health").status, 200);
}

TEST_F(AppTest, WithoutKeysListensToThisMachineAlone) {
  serve::AppOptions o = options();
  o.listener.host = "0.0.0.0";
  const auto started = serve::App::start(std::move(o));
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message().find("--api-key"), std::string::npos);
}

TEST_F(AppTest, AStreamAddsUpToTheWhole) {
  open(options());
  const std::string request = R"("prompt": "Once upon", "max_tokens": 40, "temperature": 0)";
  const Json whole = json(ask("POST", "/v1/completions", "{" + request + "}"));
  EXPECT_EQ(whole["usage"]["completion_tokens"], 40);
  const ClientResponse streamed =
      ask("POST", "/v1/completions",
          "{" + request + R"(, "stream": true, "stream_options": {"include_usage": true}})");
  EXPECT_EQ(streamed.headers.at("content-type"), "text/event-stream");
  std::string text;
  std::string_view rest = streamed.body;
  bool done = false;
  while (!rest.empty()) {
    const std::string_view event = rest.substr(0, rest.find("\n\n"));
    rest.remove_prefix(std::min(rest.size(), event.size() + 2));
    ASSERT_TRUE(event.starts_with("data: "));
    done = event == "data: [DONE]";
    if (done) break;
    const Json chunk = *serve::parse_json(event.substr(6));
    if (!chunk["choices"].empty()) text += chunk["choices"][0]["text"].get<std::string>();
  }
  EXPECT_TRUE(done);
  EXPECT_EQ(text, whole["choices"][0]["text"].get<std::string>());
}

TEST_F(AppTest, AClientThatHangsUpEndsItsRequest) {
  open(options(1));
  {
    Client client(app_->port());
    ASSERT_TRUE(
        client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                    "Content-Length: 40\r\n\r\n"
                    R"({"prompt": "a", "stream": true, "n": 30})"));
    ASSERT_FALSE(client.receive().empty());
  }
  // The one place is free again.
  EXPECT_EQ(ask("POST", "/v1/completions", R"({"prompt": "b", "max_tokens": 2})").status, 200);
}

TEST_F(AppTest, RefusesByTheFieldsName) {
  open(options());
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"/v1/completions", "{}", "prompt"},
      {"/v1/completions", R"({"prompt": [[1, "a"]]})", "prompt[0][1]"},
      {"/v1/completions", R"({"prompt": [99999999]})", "prompt[0]"},
      {"/v1/completions", R"({"prompt": ""})", "prompt"},
      {"/v1/completions", R"({"prompt": "a", "max_tokens": 1e99})", "max_tokens"},
      {"/v1/completions", R"({"prompt": "a", "max_tokens": 18446744073709551615})", "max_tokens"},
      {"/v1/completions", R"({"prompt": "a", "temperature": -1})", "temperature"},
      {"/v1/completions", R"({"prompt": "a", "best_of": 2})", "best_of"},
      {"/v1/chat/completions", R"({"messages": [7]})", "messages[0]"},
      {"/v1/chat/completions",
       R"({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})",
       "messages[0].content[0].type"},
      {"/v1/responses", R"({"input": [{"type": "web_search"}]})", "input[0].type"},
      {"/v1/responses", R"({"input": "a", "previous_response_id": "x"})", "previous_response_id"},
      {"/tokenize", "{}", "content"},
      {"/detokenize", R"({"tokens": 1})", "tokens"}};
  for (const auto& [path, body, param] : cases) {
    const ClientResponse r = ask("POST", path, body);
    EXPECT_EQ(r.status, 400) << body;
    EXPECT_EQ(json(r)["error"]["param"], param) << r.body;
  }
  const Json theirs = json(ask("POST", "/v1/messages", R"({"messages": [], "max_tokens": 1})"));
  EXPECT_EQ(theirs["type"], "error");
  EXPECT_EQ(theirs["error"]["type"], "invalid_request_error");
}

TEST_F(AppTest, DrainsWithAnswersAtWorkTold) {
  open(options());
  Client client(app_->port());
  ASSERT_TRUE(
      client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                  "Content-Length: 50\r\n\r\n"
                  R"({"prompt": "a", "stream": true, "max_tokens": 400})"));
  ASSERT_FALSE(client.receive().empty());
  EXPECT_TRUE(app_->drain(60));
  std::string rest;
  for (std::string more = client.receive(); !more.empty(); more = client.receive()) rest += more;
  EXPECT_NE(rest.find("data: [DONE]"), std::string::npos);
}

/// Reads events of all streams as they come; milliseconds between two of one stream.
std::vector<double> read_all(std::vector<std::unique_ptr<Client>>& clients, int64_t& done) {
  using Clock = std::chrono::steady_clock;
  std::vector<pollfd> polls;
  for (const auto& client : clients) polls.push_back({client->socket(), POLLIN, 0});
  std::vector<Clock::time_point> last(clients.size());
  std::vector<std::string> tails(clients.size());
  std::vector<double> gaps_ms;
  size_t open = clients.size();
  while (open > 0 && poll(polls.data(), polls.size(), 60000) > 0) {
    for (size_t i = 0; i < polls.size(); i++) {
      if (polls[i].fd < 0 || polls[i].revents == 0) continue;
      const std::string bytes = clients[i]->receive();
      const auto now = Clock::now();
      if (last[i] != Clock::time_point{})
        gaps_ms.push_back(std::chrono::duration<double, std::milli>(now - last[i]).count());
      last[i] = now;
      tails[i] =
          (tails[i] + bytes).substr(std::max<size_t>(tails[i].size() + bytes.size(), 40) - 40);
      const bool ended = tails[i].find("0\r\n\r\n") != std::string::npos;
      done += ended && tails[i].find("[DONE]") != std::string::npos ? 1 : 0;
      if (!ended && !bytes.empty()) continue;
      polls[i].fd = -1;
      open--;
    }
  }
  return gaps_ms;
}

TEST_F(AppTest, AThousandStreamsAtOnce) {
  constexpr int kStreams = 1000;
  open(options(kStreams));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kStreams; i++) {
    clients.push_back(std::make_unique<Client>(app_->port()));
    const std::string body = fmt::format(
        R"({{"prompt": "text {}", "stream": true, "max_tokens": 30, "temperature": 0}})", i);
    ASSERT_TRUE(clients.back()->send(fmt::format(
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
        body.size(), body)));
  }
  int64_t done = 0;
  std::vector<double> gaps_ms = read_all(clients, done);
  EXPECT_EQ(done, kStreams);
  ASSERT_FALSE(gaps_ms.empty());
  std::ranges::sort(gaps_ms);
  RecordProperty("gap_ms_p50", fmt::format("{:.1f}", gaps_ms[gaps_ms.size() / 2]));
  RecordProperty("gap_ms_p99", fmt::format("{:.1f}", gaps_ms[gaps_ms.size() * 99 / 100]));
}

}  // namespace
}  // namespace troika::testing
