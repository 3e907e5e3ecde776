#include "serve/accounts/refusal.h"

#include <algorithm>
#include <cmath>

#include "serve/http/json.h"

namespace troika::serve {
namespace {

struct Row {
  ErrorCode code;
  int status;
  const char* type;
};
constexpr Row kRows[] = {{ErrorCode::invalid_argument, 400, "invalid_request_error"},
                         {ErrorCode::not_found, 404, "not_found_error"},
                         {ErrorCode::corrupt, 400, "invalid_request_error"},
                         {ErrorCode::unsupported, 400, "invalid_request_error"},
                         {ErrorCode::exhausted, 429, "rate_limit_error"},
                         {ErrorCode::cancelled, 503, "server_error"},
                         {ErrorCode::device_lost, 500, "server_error"},
                         {ErrorCode::internal, 500, "server_error"}};

std::vector<http::Header> headers_of(const Refusal& refusal) {
  std::vector<http::Header> headers = refusal.headers;
  if (refusal.retry_after_s > 0) {
    const double seconds = std::clamp(std::ceil(refusal.retry_after_s), 1.0, 86400.0);
    headers.push_back({"Retry-After", std::to_string(static_cast<int64_t>(seconds))});
  }
  return headers;
}

/// Anthropic's names for kinds of error, by status.
std::string_view anthropic_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    case 504:
      return "timeout_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

}  // namespace

Refusal refusal_of(const Error& error) {
  const auto* row = std::ranges::find(kRows, error.code(), &Row::code);
  // Whoever knows better when there will be room says so.
  const double retry_after_s = error.code() == ErrorCode::exhausted ? 1 : 0;
  return {.status = row->status,
          .message = error.message(),
          .type = row->type,
          .retry_after_s = retry_after_s};
}

std::string openai_error_text(const Refusal& refusal) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return to_text({{"error",
                   {{"message", refusal.message},
                    {"type", refusal.type},
                    {"param", or_null(refusal.param)},
                    {"code", or_null(refusal.code)}}}});
}

std::string anthropic_error_text(const Refusal& refusal) {
  const std::string where = refusal.param.empty() ? "" : refusal.param + ": ";
  return to_text(
      {{"type", "error"},
       {"error",
        {{"type", anthropic_type(refusal.status)}, {"message", where + refusal.message}}}});
}

http::Response openai_error(const Refusal& refusal) {
  return {
      .status = refusal.status, .body = openai_error_text(refusal), .headers = headers_of(refusal)};
}

http::Response anthropic_error(const Refusal& refusal) {
  return {.status = refusal.status,
          .body = anthropic_error_text(refusal),
          .headers = headers_of(refusal)};
}

}  // namespace troika::serve
