// Why a request is not answered, as the APIs tell it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "serve/http/message.h"

namespace troika::serve {

/// An error of OpenAI's shape, and the status that goes with it.
struct Refusal {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::string param = {};  // the field; empty: none
  std::string code = {};   // for programs; empty: none
  double retry_after_s = 0;
  std::vector<http::Header> headers = {};
};

/// The one table from kinds of failure to statuses.
Refusal refusal_of(const Error& error);

/// {"error": {message, type, param, code}}, as one line of JSON.
std::string openai_error_text(const Refusal& refusal);
/// {"type": "error", "error": {type, message}}, as Anthropic's clients read it.
std::string anthropic_error_text(const Refusal& refusal);

http::Response openai_error(const Refusal& refusal);
http::Response anthropic_error(const Refusal& refusal);

}  // namespace troika::serve
