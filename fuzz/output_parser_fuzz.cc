// Any text as the output of a model of any family: however it is cut, the same message comes out,
// the events add up to it, and nothing that was said is taken back.
//
// Input: a byte for the family, a byte of options, a byte for the sizes of pieces, the text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/check.h"
#include "text/output/output_parser.h"

namespace troika {
namespace {

const std::vector<OutputTool>& tools() {
  static const auto* tools = new std::vector<OutputTool>{
      {"get_weather", {{"city", ParameterKind::text}, {"days", ParameterKind::other}}},
      {"python", {{"code", ParameterKind::text}}}};
  return *tools;
}

OutputFormat format_of(uint8_t family) {
  OutputFormat format{.family = static_cast<OutputFamily>(family % kOutputFamilies)};
  if (format.family == OutputFamily::harmony || family >= 128) return format;
  format.reasoning_open = format.family == OutputFamily::cohere ? "<|START_THINKING|>" : "<think>";
  format.reasoning_close = format.family == OutputFamily::cohere ? "<|END_THINKING|>" : "</think>";
  return format;
}

OutputParserOptions options_of(uint8_t bits) {
  return {.tools = tools(),
          .parse_tool_calls = (bits & 1) == 0,
          .tool_calls_max = (bits & 2) == 0 ? 128 : 1,
          .reasoning_format = static_cast<ReasoningFormat>((bits >> 2) % 3),
          .generation_prompt = (bits & 16) == 0 ? "" : "<|start|>assistant<think>\n",
          .id_seed = "seed"};
}

void add(std::span<const OutputEvent> events, OutputMessage& heard) {
  for (const OutputEvent& event : events) {
    if (event.kind == OutputEvent::Kind::reasoning) heard.reasoning += event.text;
    if (event.kind == OutputEvent::Kind::content) heard.content += event.text;
    if (event.kind == OutputEvent::Kind::call) {
      TROIKA_CHECK(event.index == std::ssize(heard.tool_calls));
      TROIKA_CHECK(!event.id.empty() && !event.name.empty());
      heard.tool_calls.push_back({.id = event.id, .name = event.name});
    }
    if (event.kind == OutputEvent::Kind::arguments) {
      TROIKA_CHECK(event.index + 1 == std::ssize(heard.tool_calls));
      heard.tool_calls.back().arguments += event.text;
    }
  }
}

bool equal(const OutputMessage& a, const OutputMessage& b, bool with_complete) {
  const auto same = [with_complete](const ToolCall& x, const ToolCall& y) {
    return x.id == y.id && x.name == y.name && x.arguments == y.arguments &&
           (!with_complete || x.complete == y.complete);
  };
  return a.reasoning == b.reasoning && a.content == b.content &&
         std::ranges::equal(a.tool_calls, b.tool_calls, same);
}

OutputMessage parse(const OutputFormat& format, const OutputParserOptions& options,
                    std::string_view text, size_t piece) {
  OutputParser parser(format, options);
  OutputMessage heard;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
    add(parser.feed(text.substr(0, piece)), heard);
  add(parser.finish(), heard);
  TROIKA_CHECK(equal(heard, parser.message(), false));
  return parser.message();
}

}  // namespace
}  // namespace troika

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const troika::OutputFormat format = troika::format_of(data[0]);
  const troika::OutputParserOptions options = troika::options_of(data[1]);
  const std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
  const auto whole = troika::parse(format, options, text, text.size() + 1);
  TROIKA_CHECK(troika::equal(whole, troika::parse(format, options, text, 1), true));
  TROIKA_CHECK(troika::equal(whole, troika::parse(format, options, text, data[2] % 16 + 2), true));
  return 0;
}
