// A client of the server under test: one socket of the loopback, bytes as the test writes them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troika::testing {

/// An answer as it came over the wire, chunks joined.
struct ClientResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool complete = false;  // its end was seen
};

/// A connection to 127.0.0.1. Blocks, each read at most `timeout_ms`.
class Client {
 public:
  explicit Client(uint16_t port, int timeout_ms = 20000);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// For poll().
  int socket() const { return socket_; }
  bool connected() const { return socket_ >= 0; }
  /// False: the other side is gone.
  bool send(std::string_view bytes) const;
  /// Next bytes; nothing at the end or after the timeout.
  std::string receive();
  /// Whether the other side closes within the timeout, whatever it sends before.
  bool closed();
  void close();
  /// Reads one answer.
  ClientResponse response();
  /// Sends a request with Content-Length and reads the answer.
  ClientResponse request(std::string_view method, std::string_view path, std::string_view body = {},
                         std::string_view headers = {});

 private:
  bool fill();
  std::optional<std::string> line();

  int socket_ = -1;
  std::string buffer_;
};

}  // namespace troika::testing
