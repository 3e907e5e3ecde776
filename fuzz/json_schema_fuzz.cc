// Any bytes as a JSON schema: refuse it with a message, or let texts be written by it; what ends is
// JSON.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/check.h"
#include "grammar_walk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto written =
      troika::walk(troika::compile_json_schema(text, troika::walk_vocabulary()), size);
  if (written) TROIKA_CHECK(nlohmann::json::accept(*written));
  return 0;
}
