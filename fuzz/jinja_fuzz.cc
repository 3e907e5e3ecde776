// Any bytes as a chat template: parse, or refuse with a line; what parses is rendered over a small
// conversation, within limits that no input may get beyond.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/check.h"
#include "text/chat_template.h"

namespace {

using Json = nlohmann::ordered_json;

// Small, so that many inputs are tried in a second.
constexpr troika::jinja::Limits kLimits{
    .steps = 20'000, .output_bytes = 1 << 16, .value_bytes = 1 << 16, .memory_bytes = 1 << 20};

Json variables() {
  const Json call = {{"id", "1"},
                     {"type", "function"},
                     {"function", {{"name", "look"}, {"arguments", {{"at", "x"}, {"n", 1.5}}}}}};
  const Json messages = Json::array(
      {Json{{"role", "system"}, {"content", "Be brief."}},
       Json{{"role", "user"}, {"content", " Zo\xC3\xAB\n"}},
       Json{{"role", "assistant"}, {"content", nullptr}, {"tool_calls", Json::array({call})}}});
  return {{"messages", messages}, {"bos_token", "<s>"}, {"add_generation_prompt", true}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto parsed = troika::jinja::Template::parse(source);
  if (!parsed.ok()) {
    TROIKA_CHECK(parsed.error().message().starts_with("line "));
    return 0;
  }
  const auto text = parsed->render(variables(), kLimits, {});
  if (text.ok()) TROIKA_CHECK(text->size() <= static_cast<size_t>(kLimits.output_bytes));
  return 0;
}
