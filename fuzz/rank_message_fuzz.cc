// What ranks say to each other: any bytes are a message that comes back as it is, or an error.
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/check.h"
#include "device/remote/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika::remote;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  if (const auto message = decode_message(bytes); message.ok())
    TROIKA_CHECK(encoded(message->value).size() + message->body.size() == size);
  if (const auto answer = decode_answer(bytes); answer.ok())
    TROIKA_CHECK(encoded(answer->value).size() + answer->body.size() == size);
  return 0;
}
