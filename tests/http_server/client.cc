#include "http_server/client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace troika::testing {

Client::Client(uint16_t port, int timeout_ms) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  const timeval timeout{timeout_ms / 1000, timeout_ms % 1000 * 1000};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
}

Client::~Client() {
  close();
}

void Client::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

bool Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool Client::fill() {
  char bytes[16384];
  const ssize_t count = recv(socket_, bytes, sizeof bytes, 0);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

std::string Client::receive() {
  if (buffer_.empty()) fill();
  return std::exchange(buffer_, {});
}

bool Client::closed() {
  char bytes[4096];
  ssize_t count = 0;
  while ((count = recv(socket_, bytes, sizeof bytes, 0)) > 0) {
  }
  return count == 0 || errno == ECONNRESET;
}

std::optional<std::string> Client::line() {
  size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos)
    if (!fill()) return std::nullopt;
  std::string text = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return text;
}

ClientResponse Client::response() {
  ClientResponse response;
  const auto first = line();
  if (!first || first->size() < 12) return response;
  response.status = std::stoi(first->substr(9, 3));
  for (auto text = line(); text && !text->empty(); text = line()) {
    const size_t colon = text->find(": ");
    std::string name = text->substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    response.headers[name] = text->substr(std::min(text->size(), colon + 2));
  }
  const auto take = [&](size_t count) {
    while (buffer_.size() < count)
      if (!fill()) return false;
    response.body += buffer_.substr(0, count);
    buffer_.erase(0, count);
    return true;
  };
  if (response.headers.contains("content-length")) {
    response.complete = take(std::stoul(response.headers["content-length"]));
  } else if (response.headers.contains("transfer-encoding")) {
    for (;;) {
      const auto size = line();
      if (!size) return response;
      const size_t count = std::stoul(*size, nullptr, 16);
      if (count > 0 && !take(count)) return response;
      line();
      if (count == 0) break;
    }
    response.complete = true;
  } else {
    while (fill()) {
    }
    response.body = std::exchange(buffer_, {});
    response.complete = true;
  }
  return response;
}

ClientResponse Client::request(std::string_view method, std::string_view path,
                               std::string_view body, std::string_view headers) {
  if (!send(fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}",
                        method, path, headers, body.size(), body)))
    return {};
  return response();
}

}  // namespace troika::testing
