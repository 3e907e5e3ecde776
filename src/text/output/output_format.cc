#include "text/output/output_format.h"

#include <array>

#include "text/output/json_text.h"
#include "text/output/tool_syntax.h"

namespace troika {
namespace {

using enum OutputFamily;

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// A family has all of its marks in the template.
struct Marks {
  OutputFamily family;
  std::array<std::string_view, 3> all;  // the rest empty
};

// The first that fits is the family: marks that others have too stand further down.
constexpr Marks kMarks[] = {
    {mistral, {"[TOOL_CALLS]"}},
    {harmony, {"<|channel|>"}},
    {functionary, {">>>all"}},
    {kimi_k2, {"<|tool_calls_section_begin|>"}},
    {cohere, {"<|START_ACTION|>"}},
    {lfm2, {"List of tools:"}},
    {lfm2, {"<|tool_call_start|>"}},
    {deepseek_dsml, {"dsml_token"}},
    {deepseek_dsml, {"<｜DSML｜"}},
    {gemma4, {"<|tool_call>call:"}},
    {seed_oss, {"<seed:tool_call>"}},
    {minimax_m2, {"<minimax:tool_call>"}},
    {qwen_xml, {"<tool_call>", "<function=", "<parameter="}},
    {minicpm5, {"<function name=\"", "<param name=\""}},
    {glm, {"<tool_call>", "<arg_key>"}},
    {apriel, {"<tool_calls>["}},
    {hermes, {"<tool_call>"}},
    {functionary31, {"<function="}},
    {granite, {"<|tool_call|>"}},
    {apertus, {"<|tools_prefix|>"}},
    {nemotron_v2, {"<TOOLCALL>"}},
    {firefunction, {"functools["}},
    {gigachat, {"<|function_call|>"}},
    // V3 and R1 fence the arguments, V3.1 does not.
    {deepseek_v3, {"<｜tool▁calls▁begin｜>", "```json"}},
    {deepseek_v31, {"<｜tool▁calls▁begin｜>"}},
    {llama3, {"\"parameters\": dictionary"}},
    {llama3, {"<|python_tag|>"}},
};

struct Tags {
  std::string_view mark;  // in the template
  std::string_view open, close;
};

constexpr Tags kTags[] = {
    {"<|START_THINKING|>", "<|START_THINKING|>", "<|END_THINKING|>"},
    {"<|inner_prefix|>", "<|inner_prefix|>", "<|inner_suffix|>"},
    {"<|channel>thought", "<|channel>thought\n", "<channel|>"},
    {"<|channel>", "<|channel>thought\n", "<channel|>"},
    {"[THINK]", "[THINK]", "[/THINK]"},
    {"<seed:think>", "<seed:think>", "</seed:think>"},
    {"Here are my reasoning steps:", "Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]"},
    {"<think>", "<think>", "</think>"},
    {"</think>", "<think>", "</think>"},
};

}  // namespace

std::string_view output_family_name(OutputFamily family) {
  return tool_syntax(family).name;
}

std::span<const std::string_view> OutputFormat::call_openers() const {
  const ToolSyntax& syntax = tool_syntax(family);
  return syntax.whole_message ? syntax.openers.first(1) : syntax.openers;
}

std::span<const std::string_view> OutputFormat::turn_ends() const {
  return tool_syntax(family).turn_ends;
}

std::vector<std::string_view> OutputFormat::markers() const {
  constexpr size_t kShortest = 4;  // brackets and fences are plain text
  const ToolSyntax& syntax = tool_syntax(family);
  std::vector<std::string_view> markers;
  for (const auto& texts : {syntax.openers, syntax.inner, syntax.closers, syntax.dropped})
    for (const std::string_view text : texts)
      if (text.size() >= kShortest) markers.push_back(text);
  for (const std::string_view tag : {reasoning_open, reasoning_close})
    if (!tag.empty()) markers.push_back(trimmed(tag));
  return markers;
}

OutputFormat detect_output_format(std::string_view chat_template) {
  OutputFormat format;
  for (const Marks& marks : kMarks) {
    bool fits = true;
    for (const std::string_view mark : marks.all) fits = fits && has(chat_template, mark);
    if (!fits) continue;
    format.family = marks.family;
    break;
  }
  if (format.family == harmony) return format;
  for (const Tags& tags : kTags) {
    if (!has(chat_template, tags.mark)) continue;
    format.reasoning_open = tags.open;
    format.reasoning_close = tags.close;
    break;
  }
  return format;
}

}  // namespace troika
