#include "serve/api/request_body.h"

#include <utility>

namespace troika::serve {
namespace {

/// Null where `text` is no JSON, which `refusal` says then.
Json read_json(std::string_view text, std::optional<Refusal>& refusal) {
  Result<Json> json = parse_json(text);
  if (json.ok()) return std::move(*json);
  refusal = refusal_of(json.error());
  return nullptr;
}

}  // namespace

RequestBody::RequestBody(const Call& call, RefusalShape shape)
    : call_(call),
      shape_(shape),
      json_(read_json(call.request().body, refusal_)),
      fields_(json_, refusal_) {}

bool RequestBody::refused() {
  if (refusal_) call_.exchange->respond(shape_(*refusal_));
  return refusal_.has_value();
}

}  // namespace troika::serve
