// The server as a whole, over a model that computes nothing: who is let in, what is told when, and
// what many clients at once get.
#include "serve/app.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <future>
#include <vector>

#include "http_server/client.h"
#include "serve/http/json.h"
#include "serve/many_streams.h"
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

TEST_F(AppTest, WithoutKeysAnswersToTheNamesOfThisMachineAlone) {
  open(options());
  const auto status = [&](std::string_view host) {
    Client client(app_->port());
    EXPECT_TRUE(client.send(fmt::format("GET /v1/models HTTP/1.1\r\nHost: {}\r\n\r\n", host)));
    return client.response().status;
  };
  for (const char* ours : {"localhost", "localhost:8080", "127.0.0.1:8080", "127.1.2.3", "[::1]:1"})
    EXPECT_EQ(status(ours), 200) << ours;
  for (const char* other :
       {"127.0.0.1.example", "127.example:8080", "localhost.example", "10.0.0.1"})
    EXPECT_EQ(status(other), 403) << other;
}

TEST_F(AppTest, AnswersAreFoundAgainInTraces) {
  open(options());
  const std::string trace = "0af7651916cd43dd8448eb211c80319c";
  const ClientResponse r = ask("GET", "/health", "",
                               "traceparent: 00-" + trace +
                                   "-b7ad6b7169203331-01\r\n"
                                   "tracestate: a=b\r\n");
  const std::string ours = r.headers.at("traceparent");
  EXPECT_EQ(ours.substr(0, 36), "00-" + trace + "-");
  EXPECT_EQ(ours.find("b7ad6b7169203331"), std::string::npos);
  EXPECT_EQ(r.headers.at("tracestate"), "a=b");
  EXPECT_EQ(ask("GET", "/health").headers.at("traceparent").size(), 55U);
  ask("GET", "/nowhere");
  const std::string metrics = ask("GET", "/metrics").body;
  EXPECT_NE(metrics.find(R"(troika_http_requests_total{route="/health",status="200"} 2)"),
            std::string::npos);
  EXPECT_NE(metrics.find(R"(troika_http_requests_total{route="none",status="404"} 1)"),
            std::string::npos);
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

TEST_F(AppTest, WhoSendsNoMoreIsToldWhatWasWrittenForIt) {
  serve::AppOptions o = options();
  o.load = [] { return load_null_model(8, 5); };
  open(std::move(o));
  Client client(app_->port());
  const std::string body = R"({"prompt": "a", "stream": true, "n": 3, "max_tokens": 400})";
  ASSERT_TRUE(client.send(fmt::format(
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
      body.size(), body)));
  std::string seen = client.receive();
  ASSERT_FALSE(seen.empty());
  ASSERT_EQ(shutdown(client.socket(), SHUT_WR), 0);
  for (std::string more = client.receive(); !more.empty(); more = client.receive()) seen += more;
  EXPECT_NE(seen.find(R"("finish_reason":"cancelled")"), std::string::npos);
  EXPECT_TRUE(seen.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n")) << seen;
}

TEST_F(AppTest, SaysWhenToComeAgainWhereAllPlacesAreTaken) {
  serve::AppOptions o = options();
  o.serving.requests_max = 1;
  o.load = [] { return load_null_model(8, 5); };
  open(std::move(o));
  const ClientResponse refused =
      ask("POST", "/v1/completions", R"({"prompt": ["a", "b"], "max_tokens": 100})");
  EXPECT_EQ(refused.status, 429) << refused.body;
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  const std::string metrics = ask("GET", "/metrics").body;
  EXPECT_NE(metrics.find(R"(troika_refusals_total{tenant="local",reason="queue"} 1)"),
            std::string::npos);
}

TEST_F(AppTest, CountsStepsAndWhatWaited) {
  open(options());
  EXPECT_EQ(ask("POST", "/v1/completions", R"({"prompt": "a", "max_tokens": 4})").status, 200);
  const std::string metrics = ask("GET", "/metrics").body;
  const auto is_above_0 = [&](const std::string& series) {
    const size_t at = metrics.find(series + " ");
    return at != std::string::npos && metrics[at + series.size() + 1] != '0';
  };
  EXPECT_TRUE(is_above_0(R"(troika_step_seconds_count{model="demo"})"));
  EXPECT_TRUE(is_above_0(R"(troika_step_rows{model="demo"})"));
  EXPECT_TRUE(is_above_0(R"(troika_queue_seconds_count{tenant="local",model="demo"})"));
}

TEST_F(AppTest, AStreamTellsEachTokensLogProbability) {
  open(options());
  const std::string more = R"(, "stream": true, "max_tokens": 60, "temperature": 0})";
  const std::pair<const char*, std::string> cases[] = {
      {"/v1/completions", R"({"prompt": "Once", "logprobs": 0)" + more},
      {"/v1/chat/completions",
       R"({"messages": [{"role": "user", "content": "a"}], "logprobs": true, "ignore_eos": true)" +
           more}};
  for (const auto& [path, body] : cases) {
    const ClientResponse streamed = ask("POST", path, body);
    int64_t tokens = 0;  // of this model, most are parts of characters: their text is held back
    for (size_t at = 0; (at = streamed.body.find("data: {", at)) != std::string::npos; at++) {
      const size_t end = streamed.body.find("\n\n", at);
      const Json event = *serve::parse_json(streamed.body.substr(at + 6, end - at - 6));
      if (event["choices"].empty() || event["choices"][0]["logprobs"].is_null()) continue;
      const Json& told = event["choices"][0]["logprobs"];
      tokens += std::ssize(told.contains("tokens") ? told["tokens"] : told["content"]);
    }
    EXPECT_EQ(tokens, 60) << path;
  }
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

TEST_F(AppTest, ReadsNoJsonThatWouldTakeLong) {
  const auto times = [](int64_t count, std::string_view text) {
    std::string all;
    for (int64_t i = 0; i < count; i++) all += text;
    return all;
  };
  const auto object = [](int64_t keys) {
    std::string all = "{";
    for (int64_t i = 0; i < keys; i++) all += fmt::format("\"{}\":0,", i);
    all.back() = '}';
    return all;
  };
  EXPECT_TRUE(
      serve::parse_json(times(serve::kJsonDepthMax, "[") + times(serve::kJsonDepthMax, "]")).ok());
  EXPECT_TRUE(serve::parse_json(R"({"a": "[[[{{{,,,:::\"]]]", "b": [{}, [], {"c": 1}]})").ok());
  EXPECT_TRUE(serve::parse_json(object(2000)).ok());
  for (const std::string& text :
       {times(serve::kJsonDepthMax + 1, "[") + times(serve::kJsonDepthMax + 1, "]"),
        "[" + times(serve::kJsonValuesMax, "1,") + "1]", object(20'000), times(100, "]") + ":"})
    EXPECT_FALSE(serve::parse_json(text).ok());
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

TEST_F(AppTest, AThousandStreamsAtOnce) {
  constexpr int kStreams = 1000;
  open(options(kStreams));
  const StreamTimes times = read_streams(app_->port(), kStreams, 30);
  EXPECT_EQ(times.done, kStreams);
  EXPECT_FALSE(times.gaps_ms.empty());
  RecordProperty("gap_ms_p50", fmt::format("{:.1f}", times.gap_ms(0.5)));
  RecordProperty("gap_ms_p99", fmt::format("{:.1f}", times.gap_ms(0.99)));
}

}  // namespace
}  // namespace troika::testing
