// Any bytes as a model: refuse with a message that names the file, or compute three tokens with it.
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/check.h"
#include "device/reference/reference_device.h"
#include "engine/evaluate.h"
#include "gguf/file.h"
#include "model/registry.h"

namespace {

troika::Status compute(std::span<const std::byte> bytes) {
  using namespace troika;
  TROIKA_TRY(const gguf::File file, gguf::File::parse(bytes, "input"));
  TROIKA_TRY(Model model, make_model(file, {}));
  const bool head = model.info.draft_head;
  const auto device = make_reference_device();
  TROIKA_TRY(const LoadedModel loaded, load_model(file, std::move(model), *device, {}));
  const TokenId tokens[] = {TokenId{0}, TokenId{1}, TokenId{0}};
  const RowSink ignore = [](int64_t, std::span<const float>) { return ok(); };
  return evaluate(loaded, tokens, {.chunk_tokens = 2}, ignore, head ? ignore : RowSink());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const troika::Status status = compute(std::as_bytes(std::span(data, size)));
  if (!status.ok()) TROIKA_CHECK(!status.error().message().empty());
  return 0;
}
