// Many streamed answers at once, read as they come by one thread: how even they are.
#pragma once

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "http_server/client.h"

namespace troika::testing {

struct StreamTimes {
  int64_t done = 0;             // streams whose end was seen
  std::vector<double> gaps_ms;  // between two arrivals of one stream, ascending

  double gap_ms(double part) const {
    const auto last = static_cast<double>(gaps_ms.size() - 1);
    return gaps_ms.empty() ? 0 : gaps_ms[static_cast<size_t>(part * last)];
  }
  /// How far a gap is from the middle one, which `part` of all do not exceed.
  double jitter_ms(double part) const {
    StreamTimes from_middle;
    for (const double gap : gaps_ms) from_middle.gaps_ms.push_back(std::abs(gap - gap_ms(0.5)));
    std::ranges::sort(from_middle.gaps_ms);
    return from_middle.gap_ms(part);
  }
};

/// One of the streams, while it is read.
struct ReadStream {
  using Clock = std::chrono::steady_clock;
  std::unique_ptr<Client> client;
  Clock::time_point last{};
  std::string tail;  // of what came

  /// Takes in what is there. False: it is over.
  bool read(StreamTimes& times) {
    constexpr size_t kTailBytes = 40;
    const std::string bytes = client->receive();
    const Clock::time_point now = Clock::now();
    if (last != Clock::time_point{})
      times.gaps_ms.push_back(std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
    tail += bytes;
    if (tail.size() > kTailBytes) tail.erase(0, tail.size() - kTailBytes);
    const bool ended = tail.find("0\r\n\r\n") != std::string::npos;
    times.done += ended && tail.find("[DONE]") != std::string::npos ? 1 : 0;
    return !ended && !bytes.empty();
  }
};

/// Asks for `count` texts of `tokens` tokens at once and reads them to their ends.
inline StreamTimes read_streams(uint16_t port, int count, int tokens) {
  std::vector<ReadStream> streams(static_cast<size_t>(count));
  std::vector<pollfd> polls;
  for (int i = 0; i < count; i++) {
    const std::string body = fmt::format(
        R"({{"prompt": "text {}", "stream": true, "max_tokens": {}, "temperature": 0}})", i,
        tokens);
    auto& client = streams[static_cast<size_t>(i)].client;
    client = std::make_unique<Client>(port);
    client->send(fmt::format(
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
        body.size(), body));
    polls.push_back({client->socket(), POLLIN, 0});
  }
  StreamTimes times;
  constexpr int kSilenceMs = 60'000;
  for (size_t open = polls.size(); open > 0 && poll(polls.data(), polls.size(), kSilenceMs) > 0;) {
    for (size_t i = 0; i < polls.size(); i++) {
      if (polls[i].fd < 0 || polls[i].revents == 0 || streams[i].read(times)) continue;
      polls[i].fd = -1;
      open--;
    }
  }
  std::ranges::sort(times.gaps_ms);
  return times;
}

}  // namespace troika::testing
