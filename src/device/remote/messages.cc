#include "device/remote/messages.h"

namespace troika::remote {
namespace {

template <typename T>
Result<Decoded<T>> decode(std::span<const std::byte> bytes, std::string_view what) {
  Reader reader(bytes);
  Decoded<T> decoded;
  reader(decoded.value);
  if (const Status status = reader.status(); !status.ok())
    return fail(ErrorCode::corrupt, "{} of {} bytes: {}", what, bytes.size(),
                status.error().message());
  decoded.body = reader.rest();
  return decoded;
}

template <typename T>
std::vector<std::byte> bytes_of(const T& value) {
  Writer writer;
  writer(value);
  return writer.bytes();
}

}  // namespace

std::vector<std::byte> encoded(const Message& message) {
  return bytes_of(message);
}

std::vector<std::byte> encoded(const Answer& answer) {
  return bytes_of(answer);
}

Result<Decoded<Message>> decode_message(std::span<const std::byte> bytes) {
  return decode<Message>(bytes, "a message");
}

Result<Decoded<Answer>> decode_answer(std::span<const std::byte> bytes) {
  return decode<Answer>(bytes, "an answer");
}

}  // namespace troika::remote
