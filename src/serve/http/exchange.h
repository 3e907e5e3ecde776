// One request and its answer, between the connection that it came over and whoever answers it on
// another thread.
//
//   connection (I/O thread)            Exchange             handler (any thread)
//   take()  ◄── bytes to send ──── outbox, bounded ◄── respond() or begin(), write() ..., end()
//   leave(), hang_up() ── the client goes, or is gone ► on_gone
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "serve/http/message.h"

namespace troika::serve::http {

/// Thread: any, each method by itself.
class Exchange {
 public:
  /// @param pending_bytes_max  that a handler may be ahead of the client; who reads slower than
  ///                           that is hung up on.
  /// @param wake  tells the connection that there is something to take; called without locks.
  Exchange(Request request, int64_t pending_bytes_max, std::function<void()> wake);

  const Request& request() const { return request_; }

  /// Calls `heard` once with the status that is answered, on the thread that answers. Before the
  /// exchange is handed on.
  void on_status(std::function<void(int status)> heard) { heard_status_ = std::move(heard); }

  /// A header that any answer of this exchange carries. Before respond() and begin().
  void add_header(Header header);

  /// Answers in one piece. What comes after the first answer is dropped.
  void respond(Response response);

  /// Begins an answer in pieces; write() and end() follow.
  void begin(StreamHead head);
  /// Sends `bytes` as soon as the client takes them. They are dropped when it is gone.
  void write(std::string bytes);
  void end();
  /// Breaks off an answer in pieces, so that the client sees that something is missing.
  void abort();

  /// Whether anything was answered yet.
  bool answered() const;
  /// Whether the client goes, is gone, or was hung up on: nobody waits for more than was counted.
  bool gone() const;
  /// Calls `heard` once when the client goes before the answer is complete; at once, where it is
  /// gone already. On any thread; must return soon.
  void on_gone(std::function<void()> heard);

  // For the connection.

  /// What to send now.
  struct Outgoing {
    std::optional<Response> response;
    std::optional<StreamHead> head;
    std::string bytes;
    bool ended = false;
    bool aborted = false;
    bool any() const { return response || head || !bytes.empty() || ended || aborted; }
  };
  Outgoing take();
  /// The client sends no more, which is how one hangs up. It may still read: what is written until
  /// the answer ends goes out, so that it can count what it is charged for.
  void leave();
  /// The client is gone.
  void hang_up();
  const std::vector<Header>& headers() const { return headers_; }

 private:
  template <typename Change>
  void change(Change what);
  void answer(int status);

  const Request request_;
  const int64_t pending_bytes_max_;
  const std::function<void()> wake_;
  std::function<void(int)> heard_status_;
  mutable std::mutex mutex_;  // guards the rest
  std::vector<Header> headers_;
  Outgoing outgoing_;
  bool answered_ = false;
  bool complete_ = false;
  bool left_ = false;
  bool gone_ = false;
  std::function<void()> heard_;
};

/// Answers exchanges. Called on the I/O thread: must return soon and not block.
using Handler = std::function<void(std::shared_ptr<Exchange>)>;

}  // namespace troika::serve::http
