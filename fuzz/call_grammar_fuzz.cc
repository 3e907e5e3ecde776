// Grammars of calls: a tool's schema, in the format that the first byte says. What they let a model
// write, the parser of the format reads as calls of that tool.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "core/check.h"
#include "grammar_walk.h"
#include "text/output/call_grammar.h"
#include "text/output/output_parser.h"

namespace troika {
namespace {

void check(OutputFamily family, std::string schema, size_t seed) {
  const std::string_view prompt = family == OutputFamily::harmony ? "<|start|>assistant" : "";
  const OutputFormat format{.family = family};
  const std::string tools = R"([{"name": "f", "parameters": )" + schema + "}]";
  const auto read = read_output_tools(tools);
  if (!read.ok()) return;
  const CallTool tool{read->front(), std::move(schema)};
  grammar::Grammar g;
  const auto calls = add_calls(g, format, {&tool, 1}, 2, prompt);
  if (!calls.ok()) {
    TROIKA_CHECK(!calls.error().message().empty());
    return;
  }
  g.set_root(*calls);
  const auto text = walk(compile_grammar(std::move(g), walk_vocabulary()), seed, 400);
  if (!text) return;
  OutputParser parser(format, {.tools = *read, .generation_prompt = std::string(prompt)});
  static_cast<void>(parser.feed(*text));
  static_cast<void>(parser.finish());
  TROIKA_CHECK(!parser.message().tool_calls.empty());
  for (const ToolCall& call : parser.message().tool_calls)
    TROIKA_CHECK(call.name == "f" && call.complete);
}

}  // namespace
}  // namespace troika

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto family = static_cast<troika::OutputFamily>(data[0] % troika::kOutputFamilies);
  troika::check(family, std::string(reinterpret_cast<const char*>(data) + 1, size - 1), size);
  return 0;
}
