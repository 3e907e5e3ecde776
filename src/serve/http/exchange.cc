#include "serve/http/exchange.h"

namespace troika::serve::http {

Exchange::Exchange(Request request, int64_t pending_bytes_max, std::function<void()> wake)
    : request_(std::move(request)), pending_bytes_max_(pending_bytes_max), wake_(std::move(wake)) {}

/// Does `what` unless the client is gone, and wakes the connection, both in turn. Where the client
/// turns out to be too slow, whoever listens hears that it is gone.
template <typename Change>
void Exchange::change(Change what) {
  std::function<void()> heard;
  {
    const std::lock_guard lock(mutex_);
    if (gone_ || complete_) return;
    what();
    if (std::ssize(outgoing_.bytes) > pending_bytes_max_) {
      outgoing_ = {.aborted = true};
      gone_ = true;
    }
    // Nobody is told any more of a complete answer, and what listened may own this exchange.
    if (gone_ || complete_) heard = std::exchange(heard_, nullptr);
  }
  if (heard && gone()) heard();
  wake_();
}

void Exchange::add_header(Header header) {
  const std::lock_guard lock(mutex_);
  if (!answered_) headers_.push_back(std::move(header));
}

/// Under the lock, when the answer begins.
void Exchange::answer(int status) {
  answered_ = true;
  if (heard_status_) heard_status_(status);
}

void Exchange::respond(Response response) {
  change([&] {
    if (answered_) return;
    answer(response.status);
    complete_ = true;
    outgoing_.response = std::move(response);
  });
}

void Exchange::begin(StreamHead head) {
  change([&] {
    if (answered_) return;
    answer(200);
    outgoing_.head = std::move(head);
  });
}

void Exchange::write(std::string bytes) {
  change([&] {
    if (outgoing_.bytes.empty())
      outgoing_.bytes = std::move(bytes);
    else
      outgoing_.bytes += bytes;
  });
}

void Exchange::end() {
  change([&] { complete_ = outgoing_.ended = true; });
}

void Exchange::abort() {
  change([&] { complete_ = outgoing_.aborted = true; });
}

bool Exchange::answered() const {
  const std::lock_guard lock(mutex_);
  return answered_;
}

bool Exchange::gone() const {
  const std::lock_guard lock(mutex_);
  return gone_ || left_;
}

void Exchange::on_gone(std::function<void()> heard) {
  {
    const std::lock_guard lock(mutex_);
    if (complete_) return;
    if (!gone_ && !left_) {
      heard_ = std::move(heard);
      return;
    }
  }
  heard();
}

Exchange::Outgoing Exchange::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(outgoing_, {});
}

void Exchange::leave() {
  std::function<void()> heard;
  {
    const std::lock_guard lock(mutex_);
    left_ = true;
    heard = std::exchange(heard_, nullptr);
  }
  if (heard) heard();
}

void Exchange::hang_up() {
  std::function<void()> heard;
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    outgoing_ = {};
    heard = std::exchange(heard_, nullptr);
  }
  if (heard) heard();
}

}  // namespace troika::serve::http
