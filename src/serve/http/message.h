// What comes in and what goes out, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troika::serve::http {

struct Header {
  std::string name;
  std::string value;
};

/// A request that was read whole. Its parts are as the client wrote them; the path is decoded.
struct Request {
  std::string method;  // upper case: GET, POST ...
  std::string path;    // decoded, without the query
  std::string query;   // behind '?', not decoded
  std::vector<Header> headers;
  std::string body;
  std::string peer;     // address of the client
  bool secure = false;  // came over TLS

  /// The value of the first header of this name, in any case.
  std::optional<std::string_view> header(std::string_view name) const;

  /// The decoded value of a parameter of the query.
  std::optional<std::string> parameter(std::string_view name) const;
};

/// An answer as one piece.
struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<Header> headers = {};  // more of them
};

/// The beginning of an answer that comes piece by piece.
struct StreamHead {
  std::string content_type = "text/event-stream";
  std::vector<Header> headers = {};
};

/// "Not Found" for 404.
std::string_view reason_phrase(int status);

/// `text` with its %XX replaced by bytes, nothing where one is broken.
/// @param form  '+' is a space, as in queries.
std::optional<std::string> percent_decode(std::string_view text, bool form);

/// Whether two names of headers are the same: ASCII, in any case.
bool same_name(std::string_view a, std::string_view b);

}  // namespace troika::serve::http
