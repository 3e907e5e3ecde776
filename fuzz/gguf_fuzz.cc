// Any bytes as a GGUF file: open, or refuse with a message. Everything that opens is read to the
// end.
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/check.h"
#include "gguf/file.h"
#include "support/gguf_read_all.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto file = troika::gguf::File::parse(bytes, "input");
  if (!file.ok()) {
    TROIKA_CHECK(file.error().message().starts_with("input: "));
    return 0;
  }
  volatile size_t seen = troika::testing::read_metadata(file->metadata());
  volatile float sum = troika::testing::read_tensors(*file);
  static_cast<void>(seen);
  static_cast<void>(sum);
  return 0;
}
