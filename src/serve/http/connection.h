// One connection: a coroutine that reads a request, lets it be answered, and goes on with the next.
// All of it runs on one strand; only Exchange is shared with other threads.
//
// Three coroutines:
//   run      reads and answers, one request after the other
//   receive  one read from the socket, also while a request is answered: so a client that hangs up
//            is noticed, and what it sends early is kept for the next request. One that only says
//            that it sends no more ends its request too, but is told what was counted until then
//   guard    closes the socket when the deadline of what is going on has passed
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "serve/http/exchange.h"
#include "serve/http/request_head.h"
#include "serve/http/server.h"

namespace troika::serve::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using SystemError = boost::system::error_code;
inline constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

/// What all connections of a server share.
struct Shared {
  Limits limits;
  std::atomic<int64_t> connections = 0, exchanges = 0, accepted = 0, requests = 0, turned_away = 0;
  std::atomic<int64_t> bodies_bytes = 0;
  std::atomic<bool> draining = false;
};

/// What the server asks of a connection, on any thread.
class OpenConnection {
 public:
  virtual ~OpenConnection() = default;
  /// Closes if no request is at work, else after its answer.
  virtual void drain() = 0;
  virtual void close() = 0;
};

/// Counts bytes of request bodies while it lives.
class BodyBytes {
 public:
  explicit BodyBytes(Shared& shared) : shared_(shared) {}
  ~BodyBytes() { shared_.bodies_bytes -= bytes_; }
  BodyBytes(const BodyBytes&) = delete;
  BodyBytes& operator=(const BodyBytes&) = delete;
  /// False: all together have too many.
  bool add(int64_t bytes) {
    bytes_ += bytes;
    return (shared_.bodies_bytes += bytes) <= shared_.limits.bodies_bytes;
  }

 private:
  Shared& shared_;
  int64_t bytes_ = 0;
};

/// Stream: a TCP socket, or one behind TLS.
template <typename Stream>
class Connection final : public OpenConnection,
                         public std::enable_shared_from_this<Connection<Stream>> {
 public:
  static constexpr bool kSecure = !std::is_same_v<Stream, Tcp::socket>;

  Connection(Stream stream, std::shared_ptr<Shared> shared, Handler handler, std::string peer)
      : stream_(std::move(stream)),
        shared_(std::move(shared)),
        handler_(std::move(handler)),
        peer_(std::move(peer)),
        deadline_(stream_.get_executor()),
        signal_(stream_.get_executor()) {
    shared_->connections++;
    signal_.expires_at(Clock::time_point::max());
  }
  ~Connection() override { shared_->connections--; }

  /// Begins; the connection lives until it is closed.
  void start() {
    auto self = this->shared_from_this();
    set_deadline(shared_->limits.header_s);
    asio::co_spawn(
        executor(), [self] { return self->guard(); }, asio::detached);
    asio::co_spawn(
        executor(), [self] { return self->run(); }, asio::detached);
  }

  void drain() override {
    asio::post(executor(), [self = this->shared_from_this()] {
      if (self->idle_) self->close_socket();
    });
  }
  void close() override {
    asio::post(executor(), [self = this->shared_from_this()] { self->close_socket(); });
  }

 private:
  using Clock = std::chrono::steady_clock;
  using Parser = beast::http::request_parser<beast::http::string_body>;
  template <typename T>
  using Awaitable = asio::awaitable<T>;
  static constexpr size_t kReadBytes = 4 << 10;
  static constexpr size_t kBodyReadBytes = 64 << 10;
  static constexpr size_t kWriteBytes = 64 << 10;

  auto executor() { return stream_.get_executor(); }
  auto& socket() { return stream_.lowest_layer(); }

  void close_socket() {
    closed_ = true;
    SystemError ignored;
    socket().close(ignored);
    deadline_.cancel();
    signal_.cancel();
  }

  void set_deadline(double seconds) {
    ends_ = Clock::now() +
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    if (ends_ < deadline_.expiry()) deadline_.expires_at(ends_);  // else guard() looks again
  }
  void set_no_deadline() { ends_ = Clock::time_point::max(); }

  Awaitable<void> guard() {
    while (!closed_) {
      // Looks again in a minute at the latest: deadlines that move away cost nothing.
      deadline_.expires_at(std::min(ends_, Clock::now() + std::chrono::minutes(1)));
      co_await deadline_.async_wait(kNoThrow);
      if (!closed_ && Clock::now() >= ends_) close_socket();
    }
  }

  Awaitable<void> wait() { co_await signal_.async_wait(kNoThrow); }

  /// Begins to read unless a read is under way, or nothing comes any more: after the end another
  /// read would wait for ever.
  void start_receiving(size_t bytes) {
    if (receiving_ || closed_ || ended_) return;
    receiving_ = true;
    auto self = this->shared_from_this();
    asio::co_spawn(
        executor(), [self, bytes] { return self->receive(bytes); }, asio::detached);
  }

  Awaitable<void> receive(size_t bytes) {
    auto [error, count] = co_await stream_.async_read_some(buffer_.prepare(bytes), kNoThrow);
    receiving_ = false;
    if (error == asio::error::connection_reset) close_socket();
    if (error)
      ended_ = true;
    else
      buffer_.commit(count);
    signal_.cancel();
  }

  /// Waits for more bytes. False: the client sends no more.
  Awaitable<bool> read_more(size_t bytes) {
    start_receiving(bytes);
    while (receiving_ && !closed_) co_await wait();
    co_return !ended_ && !closed_;
  }

  Awaitable<bool> write(std::string bytes) {
    size_t sent = 0;
    while (sent < bytes.size() && !closed_) {
      set_deadline(shared_->limits.write_s);
      const size_t piece = std::min(bytes.size() - sent, kWriteBytes);
      auto [error, count] =
          co_await asio::async_write(stream_, asio::buffer(bytes.data() + sent, piece), kNoThrow);
      if (error) co_return false;
      sent += count;
    }
    set_no_deadline();
    co_return !closed_;
  }

  Awaitable<void> run() {
    bool open = co_await shake_hands();
    while (open) open = co_await serve_one();
    co_await part();
    close_socket();
  }

  Awaitable<bool> shake_hands() {
    if constexpr (kSecure) {
      auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kNoThrow);
      co_return !error;
    } else {
      co_return true;
    }
  }

  /// Lets the client read what was sent last before the socket goes: a reset would drop it.
  Awaitable<void> part() {
    if (closed_) co_return;
    set_deadline(1);
    SystemError ignored;
    socket().shutdown(Tcp::socket::shutdown_send, ignored);
    constexpr int64_t kDropBytesMax = 4 << 20;
    int64_t dropped = 0;
    while (!ended_ && !closed_ && dropped < kDropBytesMax) {
      if (!receiving_) {
        dropped += static_cast<int64_t>(buffer_.size());
        buffer_.consume(buffer_.size());
      }
      co_await read_more(kBodyReadBytes);
    }
  }

  /// One request and its answer. False: the connection is to be closed.
  Awaitable<bool> serve_one() {
    if (shared_->draining) co_return false;
    head_only_ = false;
    BodyBytes body_bytes(*shared_);
    Parser parser;
    const int status = co_await read_request(parser, body_bytes);
    if (status < 0) co_return false;
    keep_ = status == 0 && parser.get().keep_alive();
    chunks_ = parser.get().version() >= 11;
    Request request;
    const int refused = status != 0 ? status : take_request(parser.get(), request);
    if (refused != 0) {
      co_await refuse(refused);
      co_return false;
    }
    request.peer = peer_;
    request.secure = kSecure;
    head_only_ = request.method == "HEAD";
    shared_->requests++;
    co_return co_await answer(std::move(request));
  }

  /// Reads one request whole. 0: it is there; less: there is none; else the status to refuse with.
  Awaitable<int> read_request(Parser& parser, BodyBytes& body_bytes) {
    const Limits& limits = shared_->limits;
    parser.eager(true);
    parser.header_limit(static_cast<uint32_t>(limits.header_bytes));
    parser.body_limit(static_cast<uint64_t>(limits.body_bytes));
    bool begun = false, continued = false;
    for (;;) {
      while (receiving_ && !closed_) co_await wait();  // begun while the last one was answered
      if (closed_) co_return -1;
      if (buffer_.size() > 0) {
        if (!std::exchange(begun, true)) {
          idle_ = false;
          set_deadline(limits.header_s);
        }
        SystemError error;
        const bool head_before = parser.is_header_done();
        const size_t used = parser.put(buffer_.data(), error);
        buffer_.consume(used);
        if (error && error != beast::http::error::need_more) co_return refusal(error);
        if (parser.is_header_done() && !head_before) set_deadline(limits.body_s);
        if (parser.is_header_done() && !body_bytes.add(static_cast<int64_t>(used))) co_return 503;
        if (parser.is_done()) {
          set_no_deadline();
          co_return 0;
        }
        if (parser.is_header_done() && !std::exchange(continued, true) &&
            same_name(std::string_view(parser.get()[beast::http::field::expect].data(),
                                       parser.get()[beast::http::field::expect].size()),
                      "100-continue")) {
          const bool sent = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
          if (!sent) co_return -1;
          set_deadline(limits.body_s);
        }
      }
      const bool more = co_await read_more(parser.is_header_done() ? kBodyReadBytes : kReadBytes);
      if (!more) co_return -1;
    }
  }

  Awaitable<void> refuse(int status) {
    keep_ = false;
    const Response response = refusal_response(status);
    co_await write(head_text(response, {}));
  }

  Awaitable<bool> answer(Request request) {
    auto self = this->shared_from_this();
    std::weak_ptr<Connection> weak = self;
    auto exchange =
        std::make_shared<Exchange>(std::move(request), shared_->limits.pending_bytes, [weak] {
          if (auto connection = weak.lock()) connection->wake();
        });
    shared_->exchanges++;
    handler_(exchange);
    const bool sent = co_await send(*exchange);
    exchange->hang_up();
    shared_->exchanges--;
    if (!sent || !keep_ || shared_->draining) co_return false;
    idle_ = true;
    set_deadline(shared_->limits.idle_s);
    co_return true;
  }

  /// On any thread: there is something to send.
  void wake() {
    if (woken_.exchange(true)) return;
    asio::post(executor(), [self = this->shared_from_this()] {
      self->woken_ = false;
      self->signal_.cancel();
    });
  }

  /// Sends the answer as it comes. True: all of it was sent.
  Awaitable<bool> send(Exchange& exchange) {
    bool complete = false, streaming = false;
    while (!complete) {
      Exchange::Outgoing out = exchange.take();
      if (!out.any()) {
        // One who sends the next request early is not listened to until it is its turn.
        if (buffer_.size() == 0) start_receiving(kReadBytes);
        if (closed_) co_return false;
        if (ended_) {
          exchange.leave();
          set_deadline(shared_->limits.write_s);  // for what is at work to end
        }
        co_await wait();
        continue;
      }
      if (out.aborted) co_return false;
      std::string bytes;
      if (out.response) {
        keep_ = keep_ && !shared_->draining;
        bytes = head_text(*out.response, exchange.headers());
        complete = true;
      }
      if (out.head) {
        keep_ = keep_ && chunks_ && !shared_->draining;
        bytes += head_text(*out.head, exchange.headers());
        streaming = true;
      }
      if (streaming && !head_only_) append_chunk(bytes, out.bytes, chunks_, out.ended);
      complete = complete || out.ended;
      const bool sent = co_await write(std::move(bytes));
      if (!sent) co_return false;
    }
    co_return true;
  }

  std::string head_text(const Response& response, const std::vector<Header>& more) const {
    std::string text = status_line(response.status, response.content_type, keep_);
    append_headers(text, response.headers);
    append_headers(text, more);
    text += fmt::format("Content-Length: {}\r\n\r\n", response.body.size());
    if (!head_only_) text += response.body;
    return text;
  }

  std::string head_text(const StreamHead& head, const std::vector<Header>& more) const {
    std::string text = status_line(200, head.content_type, keep_);
    append_headers(text, head.headers);
    append_headers(text, more);
    text += chunks_ ? "Cache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n"
                    : "Cache-Control: no-store\r\n\r\n";
    return text;
  }

  Stream stream_;
  const std::shared_ptr<Shared> shared_;
  const Handler handler_;
  const std::string peer_;
  asio::steady_timer deadline_;
  Clock::time_point ends_ = Clock::time_point::max();
  asio::steady_timer signal_;  // never runs out; cancelled to wake who waits
  std::atomic<bool> woken_ = false;
  beast::flat_buffer buffer_;
  bool receiving_ = false;
  bool ended_ = false;   // the client sends no more
  bool closed_ = false;  // by us
  bool idle_ = true;
  bool keep_ = false;
  bool chunks_ = true;
  bool head_only_ = false;
};

}  // namespace troika::serve::http
