// The HTTP server against clients that behave, that stall, that lie and that leave.
#include "serve/http/server.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "http_server/client.h"

namespace troika::testing {
namespace {

namespace http = serve::http;

/// Keeps exchanges until the test answers them.
class Waiting {
 public:
  void put(std::shared_ptr<http::Exchange> exchange) {
    const std::lock_guard lock(mutex_);
    exchanges_.push_back(std::move(exchange));
    came_.notify_all();
  }
  std::shared_ptr<http::Exchange> next() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return !exchanges_.empty(); });
    auto first = exchanges_.front();
    exchanges_.erase(exchanges_.begin());
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::shared_ptr<http::Exchange>> exchanges_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  /// /wait is answered by the test; anything else is answered with what was asked.
  void open(http::Limits limits = {}, http::TlsOptions tls = {}) {
    auto made = http::Server::start({.listeners = {{.port = 0,
                                                    .tls = std::move(tls),
                                                    .handler = [this](auto x) { answer(x); }}},
                                     .limits = limits});
    ASSERT_TRUE(made.ok()) << made.error().message();
    server_ = std::move(*made);
  }

  void answer(const std::shared_ptr<http::Exchange>& exchange) {
    const http::Request& r = exchange->request();
    if (r.path == "/wait") return waiting_.put(exchange);
    exchange->respond({.content_type = "text/plain",
                       .body = fmt::format("{} {} {} {}", r.method, r.path, r.query, r.body)});
  }

  uint16_t port() const { return server_->port(); }

  Waiting waiting_;
  std::unique_ptr<http::Server> server_;
};

TEST_F(HttpServerTest, AnswersOneRequestAfterTheOtherOverOneConnection) {
  open();
  Client client(port());
  for (int i = 0; i < 3; i++) {
    const ClientResponse r = client.request("POST", fmt::format("/a%20b{}?x=1&y=%2F", i), "body");
    EXPECT_EQ(r.status, 200);
    EXPECT_EQ(r.body, fmt::format("POST /a b{} x=1&y=%2F body", i));
    EXPECT_EQ(r.headers.at("connection"), "keep-alive");
  }
  EXPECT_EQ(server_->statistics().accepted, 1);
  EXPECT_EQ(server_->statistics().requests, 3);
}

TEST_F(HttpServerTest, AnswersRequestsSentTogetherInTheirOrder) {
  open();
  Client client(port());
  std::string both;
  for (const char* path : {"/1", "/2", "/3"})
    both += fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", path);
  ASSERT_TRUE(client.send(both));
  for (const char* path : {"/1", "/2", "/3"})
    EXPECT_EQ(client.response().body, fmt::format("GET {}  ", path));
}

TEST_F(HttpServerTest, ReadsBodiesInChunksAndAfter100Continue) {
  open();
  Client client(port());
  ASSERT_TRUE(
      client.send("POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"));
  EXPECT_EQ(client.response().body, "POST /c  abcdefg");
  ASSERT_TRUE(client.send(
      "POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  EXPECT_EQ(client.receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.send("ok"));
  EXPECT_EQ(client.response().body, "POST /e  ok");
}

TEST_F(HttpServerTest, StreamsPiecesAsTheyCome) {
  open();
  Client client(port());
  ASSERT_TRUE(client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto exchange = waiting_.next();
  exchange->add_header({"x-request-id", "7\r\nx-evil: 1"});
  exchange->begin({});
  exchange->write("data: 1\n\n");
  std::string seen;
  while (seen.find("data: 1\n\n") == std::string::npos) {
    const std::string more = client.receive();
    ASSERT_FALSE(more.empty());
    seen += more;
  }
  EXPECT_NE(seen.find("Content-Type: text/event-stream\r\n"), std::string::npos);
  EXPECT_NE(seen.find("x-request-id: 7x-evil: 1\r\n"), std::string::npos);
  exchange->write("data: 2\n\n");
  exchange->end();
  seen.clear();
  while (!seen.ends_with("0\r\n\r\n")) {
    const std::string more = client.receive();
    ASSERT_FALSE(more.empty());
    seen += more;
  }
  EXPECT_NE(seen.find("data: 2\n\n"), std::string::npos);
  EXPECT_EQ(client.request("GET", "/next").status, 200);
}

TEST_F(HttpServerTest, OldClientsGetTheStreamUntilTheEnd) {
  open();
  Client client(port());
  ASSERT_TRUE(client.send("GET /wait HTTP/1.0\r\n\r\n"));
  const auto exchange = waiting_.next();
  exchange->begin({});
  exchange->write("all of it");
  exchange->end();
  const ClientResponse r = client.response();
  EXPECT_EQ(r.body, "all of it");
  EXPECT_FALSE(r.headers.contains("transfer-encoding"));
}

TEST_F(HttpServerTest, TellsTheHandlerThatTheClientHungUp) {
  open();
  for (const bool streaming : {false, true}) {
    Client client(port());
    ASSERT_TRUE(client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
    const auto exchange = waiting_.next();
    if (streaming) exchange->begin({});
    std::atomic<int> heard = 0;
    exchange->on_gone([&] { heard++; });
    client.close();
    for (int i = 0; i < 2000 && heard == 0; i++)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(heard, 1);
    EXPECT_TRUE(exchange->gone());
    exchange->write("to nobody");
    exchange->end();
  }
}

TEST_F(HttpServerTest, WhoSendsNoMoreIsToldTheRest) {
  open();
  for (const bool streaming : {false, true}) {
    Client client(port());
    ASSERT_TRUE(client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
    const auto exchange = waiting_.next();
    if (streaming) exchange->begin({});
    std::promise<void> left;
    exchange->on_gone([&] { left.set_value(); });
    ASSERT_EQ(shutdown(client.socket(), SHUT_WR), 0);
    left.get_future().wait();
    EXPECT_TRUE(exchange->gone());
    if (streaming) {
      exchange->write("the rest");
      exchange->end();
    } else {
      exchange->respond({.body = "the rest"});
    }
    const ClientResponse r = client.response();
    EXPECT_EQ(r.body, "the rest");
    EXPECT_TRUE(r.complete);
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(HttpServerTest, WhoSendsNoMoreIsNotWaitedForWithoutEnd) {
  open({.write_s = 0.2});
  Client client(port());
  ASSERT_TRUE(client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto exchange = waiting_.next();
  ASSERT_EQ(shutdown(client.socket(), SHUT_WR), 0);
  EXPECT_TRUE(client.closed());  // nobody ends the answer
}

TEST_F(HttpServerTest, HangsUpOnWhoReadsTooSlowly) {
  open({.pending_bytes = 1 << 20});
  Client client(port());
  ASSERT_TRUE(client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto exchange = waiting_.next();
  std::atomic<int> heard = 0;
  exchange->on_gone([&] { heard++; });
  exchange->begin({});
  for (int i = 0; i < 1000 && !exchange->gone(); i++) exchange->write(std::string(64 << 10, 'x'));
  EXPECT_TRUE(exchange->gone());
  EXPECT_EQ(heard, 1);
}

TEST_F(HttpServerTest, AnAbortedStreamHasNoEnd) {
  open();
  Client client(port());
  ASSERT_TRUE(client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto exchange = waiting_.next();
  exchange->begin({});
  exchange->write("half");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  exchange->abort();
  const ClientResponse r = client.response();
  EXPECT_EQ(r.body, "half");
  EXPECT_FALSE(r.complete);
}

TEST_F(HttpServerTest, RefusesWhatIsTooLargeOrNoHttp) {
  open({.header_bytes = 2048, .body_bytes = 10000});
  const std::pair<std::string, int> cases[] = {
      {"GET /" + std::string(4000, 'a') + " HTTP/1.1\r\n\r\n", 431},
      {"GET / HTTP/1.1\r\nX: " + std::string(4000, 'a') + "\r\n\r\n", 431},
      {"POST / HTTP/1.1\r\nContent-Length: 10001\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4000\r\n" + std::string(16384, 'a'),
       413},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"GET / HTTP/3.7\r\n\r\n", 505},
      {"GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400},
      {"GET /%zz HTTP/1.1\r\n\r\n", 400},
      {"GET /a%00b HTTP/1.1\r\n\r\n", 400},
      {std::string("\x16\x03\x01\x02\x00\x01\x00", 7) + "\r\n\r\n", 400}};
  for (const auto& [bytes, status] : cases) {
    Client client(port());
    ASSERT_TRUE(client.send(bytes));
    const ClientResponse r = client.response();
    EXPECT_EQ(r.status, status) << bytes.substr(0, 60);
    EXPECT_NE(r.body.find("\"error\""), std::string::npos);
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(Client(port()).request("GET", "/fine").status, 200);
}

TEST_F(HttpServerTest, ClosesWhoeverStallsAndServesTheOthers) {
  open({.header_s = 0.3, .body_s = 0.3, .idle_s = 0.3});
  Client silent(port()), slow_head(port()), slow_body(port()), idle(port());
  ASSERT_TRUE(slow_head.send("GET / HTTP/1.1\r\nHo"));
  ASSERT_TRUE(slow_body.send("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"));
  EXPECT_EQ(idle.request("GET", "/once").status, 200);
  for (int i = 0; i < 5; i++) {  // a byte now and then buys no time
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    slow_head.send("x");
    slow_body.send("x");
  }
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(slow_head.closed());
  EXPECT_TRUE(slow_body.closed());
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(Client(port()).request("GET", "/fine").status, 200);
}

TEST_F(HttpServerTest, TurnsAwayConnectionsOverTheLimit) {
  open({.connections = 3});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; i++) {
    clients.push_back(std::make_unique<Client>(port()));
    EXPECT_EQ(clients.back()->request("GET", "/").status, 200);
  }
  Client one_more(port());
  EXPECT_EQ(one_more.response().status, 503);
  clients.clear();
  for (int i = 0; i < 2000 && server_->statistics().connections > 0; i++)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(Client(port()).request("GET", "/").status, 200);
}

TEST_F(HttpServerTest, DrainsWithTheLastAnswerToldWhole) {
  open();
  Client busy(port()), idle(port());
  EXPECT_EQ(idle.request("GET", "/").status, 200);
  ASSERT_TRUE(busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto exchange = waiting_.next();
  std::thread drain([&] { EXPECT_TRUE(server_->drain(20)); });
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(Client(port()).request("GET", "/").complete);
  exchange->respond({.body = "last"});
  const ClientResponse r = busy.response();
  EXPECT_EQ(r.body, "last");
  EXPECT_EQ(r.headers.at("connection"), "close");
  drain.join();
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  open();
  Client client(port());
  ASSERT_TRUE(client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n"));
  std::string all;
  while (all.find("GET /x") == std::string::npos) {
    const std::string more = client.receive();
    ASSERT_FALSE(more.empty());
    all += more;
  }
  EXPECT_EQ(all.find("HEAD /"), std::string::npos);
}

TEST_F(HttpServerTest, ManyStreamsAtOnce) {
  open();
  constexpr int kStreams = 400;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::shared_ptr<http::Exchange>> exchanges;
  for (int i = 0; i < kStreams; i++) {
    clients.push_back(std::make_unique<Client>(port()));
    ASSERT_TRUE(clients.back()->send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
    exchanges.push_back(waiting_.next());
    exchanges.back()->begin({});
  }
  for (int step = 0; step < 20; step++)
    for (const auto& exchange : exchanges) exchange->write(fmt::format("{} ", step));
  for (const auto& exchange : exchanges) exchange->end();
  for (const auto& client : clients) {
    const ClientResponse r = client->response();
    EXPECT_TRUE(r.complete);
    EXPECT_EQ(r.body, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ");
  }
}

TEST_F(HttpServerTest, SpeaksTls) {
  open({}, {.self_signed = true});
  // Any TLS client would do; what is seen here is that plain HTTP gets no answer.
  EXPECT_FALSE(Client(port()).request("GET", "/").complete);
}

TEST(HttpServer, RefusesOptionsThatCannotBe) {
  const http::Handler none = [](auto) {};
  const auto code = [&](http::ServerOptions options) {
    const auto made = http::Server::start(std::move(options));
    return made.ok() ? "started" : std::string(made.error().message());
  };
  EXPECT_NE(code({}).find("listeners"), std::string::npos);
  EXPECT_NE(code({.listeners = {{.port = 0, .handler = none}}, .limits = {.header_s = 0}})
                .find("header_s is 0"),
            std::string::npos);
  EXPECT_NE(code({.listeners = {{.host = "256.1.1.1.invalid", .port = 0, .handler = none}}})
                .find("256.1.1.1.invalid"),
            std::string::npos);
  const auto first = http::Server::start({.listeners = {{.port = 0, .handler = none}}});
  ASSERT_TRUE(first.ok());
  EXPECT_NE(
      code({.listeners = {{.port = (*first)->port(), .handler = none}}}).find("cannot listen"),
      std::string::npos);
  const auto tls = [&](http::TlsOptions options) {
    return code({.listeners = {{.port = 0, .tls = std::move(options), .handler = none}}});
  };
  EXPECT_NE(tls({.certificate_file = "a.pem"}).find("no key"), std::string::npos);
  EXPECT_NE(tls({.certificate_file = "a.pem", .key_file = "b.pem"}).find("a.pem"),
            std::string::npos);
  EXPECT_NE(
      tls({.certificate_file = "a", .key_file = "b", .self_signed = true}).find("one of them"),
      std::string::npos);
}

}  // namespace
}  // namespace troika::testing
