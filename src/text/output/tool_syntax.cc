#include "text/output/tool_syntax.h"

#include <algorithm>
#include <iterator>

#include "core/check.h"
#include "text/output/call_heads.h"

namespace troika {
namespace {

using Texts = const std::string_view[];

constexpr XmlSyntax kQwenXml{.open = "<parameter=",
                             .name_end = ">",
                             .value_close = "</parameter>",
                             .call_close = "</function>",
                             .newlines = true};
constexpr XmlSyntax kGlmXml{.open = "<arg_key>",
                            .name_end = "</arg_key>",
                            .value_open = "<arg_value>",
                            .value_close = "</arg_value>",
                            .call_close = "</tool_call>"};
constexpr XmlSyntax kDsmlXml{.open = "<｜DSML｜parameter name=\"",
                             .name_end = "\"",
                             .value_close = "</｜DSML｜parameter>",
                             .call_close = "</｜DSML｜invoke>",
                             .typed = true};
constexpr XmlSyntax kMinicpmXml{.open = "<param name=\"",
                                .name_end = "\">",
                                .value_close = "</param>",
                                .call_close = "</function>"};
constexpr XmlSyntax kMinimaxXml{.open = "<parameter name=\"",
                                .name_end = "\">",
                                .value_close = "</parameter>",
                                .call_close = "</invoke>"};

constexpr Texts kHermesOpen = {"<tool_call>"}, kHermesClose = {"]", "</tool_call>"};
constexpr Texts kQwenOpen = {"<function=", "<tool_call>"}, kQwenClose = {"</tool_call>"};
constexpr Texts kGlmInner = {"</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>",
                             "</arg_value>"};
constexpr Texts kGlmEnds = {"<|user|>", "<|observation|>"};
constexpr Texts kLlamaOpen = {"<|python_tag|>", "{"};
constexpr Texts kLlamaEnds = {"<|eot_id|>", "<|eom_id|>"};
constexpr Texts kV3Open = {"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>"};
constexpr Texts kV3Inner = {"<｜tool▁sep｜>"};
constexpr Texts kV3Close = {"```", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"};
constexpr Texts kV31Close = {"<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"};
constexpr Texts kDsmlOpen = {"<｜DSML｜invoke name=\"", "<｜DSML｜function_calls>",
                             "<｜DSML｜tool_calls>"};
constexpr Texts kDsmlInner = {"｜DSML｜"};
constexpr Texts kDsmlClose = {"</｜DSML｜function_calls>", "</｜DSML｜tool_calls>"};
constexpr Texts kMistralOpen = {"[TOOL_CALLS]"}, kListClose = {"]"};
constexpr Texts kMistralInner = {"[CALL_ID]", "[ARGS]"};
constexpr Texts kHarmonyInner = {"<|start|>", "<|channel|>", "<|constrain|>", "<|message|>",
                                 "<|end|>",   "<|call|>",    "<|return|>"};
constexpr Texts kHarmonyEnds = {"<|call|>", "<|return|>"};
constexpr Texts kFunctionOpen = {"<function="}, kFunctionClose = {"</function>"};
constexpr Texts kKimiOpen = {"<|tool_calls_section_begin|>", "<|tool_call_begin|>"};
constexpr Texts kKimiInner = {"<|tool_call_argument_begin|>"};
constexpr Texts kKimiClose = {"<|tool_call_end|>", "<|tool_calls_section_end|>"};
constexpr Texts kCohereOpen = {"<|START_ACTION|>"}, kCohereClose = {"]", "<|END_ACTION|>"};
constexpr Texts kCohereDrop = {"<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>",
                               "<|END_TEXT|>"};
constexpr Texts kLfmOpen = {"<|tool_call_start|>"}, kLfmClose = {"]", "<|tool_call_end|>"};
constexpr Texts kGemmaOpen = {"<|tool_call>"}, kGemmaClose = {"<tool_call|>"};
constexpr Texts kGemmaInner = {"<|\"|>"};
constexpr Texts kGemmaEnds = {"<turn|>", "<|tool_response>"};
constexpr Texts kMinicpmOpen = {"<function name=\""};
constexpr Texts kSeedOpen = {"<function=", "<seed:tool_call>"}, kSeedClose = {"</seed:tool_call>"};
constexpr Texts kMinimaxOpen = {"<invoke name=\"", "<minimax:tool_call>"};
constexpr Texts kMinimaxClose = {"</minimax:tool_call>"};
constexpr Texts kGraniteOpen = {"<|tool_call|>"}, kGraniteDrop = {"<response>", "</response>"};
constexpr Texts kApertusOpen = {"<|tools_prefix|>"}, kApertusClose = {"]", "<|tools_suffix|>"};
constexpr Texts kNemotronOpen = {"<TOOLCALL>"}, kNemotronClose = {"]", "</TOOLCALL>"};
constexpr Texts kAprielOpen = {"<tool_calls>"}, kAprielClose = {"]", "</tool_calls>"};
constexpr Texts kAprielDrop = {"[BEGIN FINAL RESPONSE]"};
constexpr Texts kFirefunctionOpen = {"functools["};
constexpr Texts kGigachatOpen = {"<|function_call|>"}, kGigachatEnds = {"<|message_sep|>"};

using enum OutputFamily;
using enum ArgumentStyle;

constexpr ToolSyntax kRows[] = {
    {plain, "plain"},
    {hermes, "hermes", kHermesOpen, kHermesClose, object_head, next_object_head},
    {.family = qwen_xml,
     .name = "qwen_xml",
     .openers = kQwenOpen,
     .closers = kQwenClose,
     .head = function_head,
     .style = xml,
     .xml = &kQwenXml,
     .bare = kQwenOpen[0],
     .in_reasoning = true},
    {.family = glm,
     .name = "glm",
     .openers = kHermesOpen,
     .head = glm_head,
     .style = xml,
     .xml = &kGlmXml,
     .inner = kGlmInner,
     .turn_ends = kGlmEnds},
    {.family = llama3,
     .name = "llama3",
     .openers = kLlamaOpen,
     .head = llama3_head,
     .next = next_llama3_head,
     .certain = false,
     .whole_message = true,
     .turn_ends = kLlamaEnds},
    {.family = deepseek_v3,
     .name = "deepseek_v3",
     .openers = kV3Open,
     .closers = kV3Close,
     .head = deepseek_head,
     .inner = kV3Inner},
    {.family = deepseek_v31,
     .name = "deepseek_v31",
     .openers = kV3Open,
     .closers = kV31Close,
     .head = deepseek_head,
     .inner = kV3Inner},
    {.family = deepseek_dsml,
     .name = "deepseek_dsml",
     .openers = kDsmlOpen,
     .closers = kDsmlClose,
     .head = invoke_head,
     .style = xml,
     .xml = &kDsmlXml,
     .inner = kDsmlInner},
    {.family = mistral,
     .name = "mistral",
     .openers = kMistralOpen,
     .closers = kListClose,
     .head = mistral_head,
     .next = next_object_head,
     .id_follows = true,
     .inner = kMistralInner},
    {.family = harmony, .name = "harmony", .inner = kHarmonyInner, .turn_ends = kHarmonyEnds},
    {.family = functionary, .name = "functionary"},
    {.family = functionary31,
     .name = "functionary31",
     .openers = kFunctionOpen,
     .closers = kFunctionClose,
     .head = function_head,
     .certain = false,
     .turn_ends = kLlamaEnds},
    {.family = kimi_k2,
     .name = "kimi_k2",
     .openers = kKimiOpen,
     .closers = kKimiClose,
     .head = kimi_head,
     .inner = kKimiInner},
    {.family = cohere,
     .name = "cohere",
     .openers = kCohereOpen,
     .closers = kCohereClose,
     .head = object_head,
     .next = next_object_head,
     .dropped = kCohereDrop},
    {.family = lfm2,
     .name = "lfm2",
     .openers = kLfmOpen,
     .closers = kLfmClose,
     .head = python_head,
     .next = next_python_head,
     .style = python},
    {.family = gemma4,
     .name = "gemma4",
     .openers = kGemmaOpen,
     .closers = kGemmaClose,
     .head = gemma_head,
     .style = gemma,
     .inner = kGemmaInner,
     .turn_ends = kGemmaEnds},
    {.family = minicpm5,
     .name = "minicpm5",
     .openers = kMinicpmOpen,
     .head = invoke_head,
     .style = xml,
     .xml = &kMinicpmXml,
     .certain = false},
    {.family = seed_oss,
     .name = "seed_oss",
     .openers = kSeedOpen,
     .closers = kSeedClose,
     .head = function_head,
     .style = xml,
     .xml = &kQwenXml,
     .bare = kSeedOpen[0]},
    {.family = minimax_m2,
     .name = "minimax_m2",
     .openers = kMinimaxOpen,
     .closers = kMinimaxClose,
     .head = invoke_head,
     .style = xml,
     .xml = &kMinimaxXml,
     .bare = kMinimaxOpen[0]},
    {.family = granite,
     .name = "granite",
     .openers = kGraniteOpen,
     .closers = kListClose,
     .head = object_head,
     .next = next_object_head,
     .dropped = kGraniteDrop},
    {apertus, "apertus", kApertusOpen, kApertusClose, keyed_head, next_keyed_head},
    {nemotron_v2, "nemotron_v2", kNemotronOpen, kNemotronClose, object_head, next_object_head},
    {.family = apriel,
     .name = "apriel",
     .openers = kAprielOpen,
     .closers = kAprielClose,
     .head = object_head,
     .next = next_object_head,
     .id_follows = true,
     .dropped = kAprielDrop},
    {.family = firefunction,
     .name = "firefunction",
     .openers = kFirefunctionOpen,
     .closers = kListClose,
     .head = object_head,
     .next = next_object_head,
     .certain = false},
    {.family = gigachat,
     .name = "gigachat",
     .openers = kGigachatOpen,
     .head = object_head,
     .turn_ends = kGigachatEnds},
};

static_assert(std::size(kRows) == kOutputFamilies);

}  // namespace

const ToolSyntax& tool_syntax(OutputFamily family) {
  const auto row = std::ranges::find(kRows, family, &ToolSyntax::family);
  TROIKA_CHECK(row != std::end(kRows));
  return *row;
}

const OutputTool* find_tool(std::span<const OutputTool> tools, std::string_view name) {
  const auto found = std::ranges::find(tools, name, &OutputTool::name);
  return found == tools.end() ? nullptr : &*found;
}

}  // namespace troika
