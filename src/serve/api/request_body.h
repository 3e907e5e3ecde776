// How every handler that reads JSON begins and where it may end: the body as fields, and the
// refusal that the client gets if any of it is not as wanted.
#pragma once

#include <optional>

#include "serve/api/answer_fields.h"
#include "serve/api/call.h"
#include "serve/api/fields.h"

namespace troika::serve {

/// The body of one request. A body that is no JSON refuses like a wrong field: what is read from
/// its fields then changes nothing.
class RequestBody {
 public:
  using RefusalShape = http::Response (*)(const Refusal&);

  /// `call` is borrowed. @param shape  of a refusal: openai_error or anthropic_error.
  explicit RequestBody(const Call& call, RefusalShape shape = openai_error);
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;

  Fields& fields() { return fields_; }

  /// Whether anything was refused; the client has been told so then. Once, behind all reading.
  bool refused();

 private:
  const Call& call_;
  const RefusalShape shape_;
  std::optional<Refusal> refusal_;  // stands before what borrows it
  const Json json_;
  Fields fields_;
};

}  // namespace troika::serve
