// Any bytes as the body of a request: the first chooses the API, the rest is read as its JSON. What
// is refused has a message and a status; what is taken is a conversation.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/check.h"
#include "serve/api/anthropic.h"
#include "serve/api/chat_request.h"
#include "serve/api/responses_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika::serve;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto body = parse_json(text);
  if (!body.ok()) {
    TROIKA_CHECK(!body.error().message().empty());
    return 0;
  }
  std::optional<Refusal> refusal;
  Fields fields(*body, refusal);
  const ChatRequest request = data[0] % 3 == 0   ? read_chat_request(fields)
                              : data[0] % 3 == 1 ? read_anthropic_request(fields)
                                                 : read_responses_request(fields);
  if (refusal) {
    TROIKA_CHECK(!refusal->message.empty() && refusal->status >= 400);
    TROIKA_CHECK(!openai_error_text(*refusal).empty());
  } else {
    TROIKA_CHECK(request.messages.is_array() && !request.messages.empty());
    for (const Json& message : request.messages) TROIKA_CHECK(message.contains("role"));
  }
  return 0;
}
