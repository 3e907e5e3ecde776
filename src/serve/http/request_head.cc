#include "serve/http/request_head.h"

#include <fmt/format.h>

#include <boost/beast/http/error.hpp>
#include <utility>

namespace troika::serve::http {
namespace {

namespace http = boost::beast::http;

std::string_view explanation(int status) {
  switch (status) {
    case 413:
      return "the body of the request is larger than this server takes";
    case 431:
      return "the headers of the request are larger than this server takes";
    case 503:
      return "the server holds as many requests as it can, try again";
    case 505:
      return "HTTP of this version is not spoken here, wanted 1.1 or 1.0";
    default:
      return "the request is not well-formed HTTP";
  }
}

}  // namespace

int refusal(const boost::system::error_code& error) {
  if (error == http::error::end_of_stream || error == http::error::partial_message) return -1;
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::bad_version) return 505;
  return 400;
}

Response refusal_response(int status) {
  const char* type = status >= 500 ? "server_error" : "invalid_request_error";
  return {
      .status = status,
      .body = fmt::format(R"({{"error":{{"message":"{}","type":"{}","param":null,"code":null}}}})",
                          explanation(status), type)};
}

int take_request(http::message<true, http::string_body>& parsed, Request& request) {
  const auto text = [](const auto& view) { return std::string(view.data(), view.size()); };
  request.method = text(parsed.method_string());
  const std::string target = text(parsed.target());
  if (!target.starts_with('/')) return 400;
  const size_t end = std::min(target.find('?'), target.size());
  auto path = percent_decode(std::string_view(target).substr(0, end), false);
  if (!path || path->find('\0') != std::string::npos) return 400;
  request.path = std::move(*path);
  if (end < target.size()) request.query = target.substr(end + 1);
  for (const auto& field : parsed)
    request.headers.push_back({text(field.name_string()), text(field.value())});
  request.body = std::move(parsed.body());
  return 0;
}

std::string status_line(int status, std::string_view content_type, bool keep_alive) {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  if (!content_type.empty()) text += fmt::format("Content-Type: {}\r\n", content_type);
  text += keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  text += "X-Content-Type-Options: nosniff\r\n";
  return text;
}

void append_headers(std::string& text, const std::vector<Header>& headers) {
  for (const Header& header : headers) {
    text += header.name;
    text += ": ";
    for (const char c : header.value)
      if (static_cast<unsigned char>(c) >= ' ' && c != 0x7f) text += c;
    text += "\r\n";
  }
}

void append_chunk(std::string& text, std::string_view bytes, bool chunks, bool end) {
  if (!bytes.empty()) {
    if (chunks) text += fmt::format("{:x}\r\n", bytes.size());
    text += bytes;
    if (chunks) text += "\r\n";
  }
  if (end && chunks) text += "0\r\n\r\n";
}

}  // namespace troika::serve::http
