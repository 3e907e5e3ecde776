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

// What models write, as their templates show it to them.
using Forms = const CallForm[];

constexpr Forms kHermesForm = {{.begin = "<tool_call>\n{\"name\": \"",
                                .named = "\", \"arguments\": ",
                                .end = "}\n</tool_call>",
                                .between = "\n"}};
constexpr Forms kQwenForm = {
    {.begin = "<tool_call>\n<function=", .named = ">", .end = "\n</tool_call>", .between = "\n"}};
constexpr Forms kGlmForm = {{.begin = "<tool_call>", .between = "\n"}};
constexpr Forms kLlamaForm = {
    {.begin = "{\"name\": \"", .named = "\", \"parameters\": ", .end = "}", .between = "; "}};
constexpr Forms kV3Form = {{.section = "<｜tool▁calls▁begin｜>",
                            .begin = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
                            .named = "\n```json\n",
                            .end = "\n```<｜tool▁call▁end｜>",
                            .between = "\n",
                            .close = "<｜tool▁calls▁end｜>"}};
constexpr Forms kV31Form = {{.section = "<｜tool▁calls▁begin｜>",
                             .begin = "<｜tool▁call▁begin｜>",
                             .named = "<｜tool▁sep｜>",
                             .end = "<｜tool▁call▁end｜>",
                             .close = "<｜tool▁calls▁end｜>"}};
constexpr Forms kDsmlForms = {{.section = "<｜DSML｜function_calls>\n",
                               .begin = "<｜DSML｜invoke name=\"",
                               .named = "\">",
                               .between = "\n",
                               .close = "\n</｜DSML｜function_calls>"},
                              {.section = "<｜DSML｜tool_calls>\n",
                               .begin = "<｜DSML｜invoke name=\"",
                               .named = "\">",
                               .between = "\n",
                               .close = "\n</｜DSML｜tool_calls>"}};
constexpr Forms kMistralForms = {{.section = "[TOOL_CALLS][",
                                  .begin = "{\"name\": \"",
                                  .named = "\", \"arguments\": ",
                                  .id = ", \"id\": \"@\"",
                                  .end = "}",
                                  .between = ", ",
                                  .close = "]"},
                                 {.begin = "[TOOL_CALLS]", .named = "[CALL_ID]@[ARGS]"},
                                 {.begin = "[TOOL_CALLS]", .named = "[ARGS]"}};
constexpr Forms kHarmonyForms = {
    {.begin = "<|channel|>commentary to=functions.", .named = " <|constrain|>json<|message|>"},
    {.begin = "<|channel|>commentary to=functions.", .named = " json<|message|>"},
    {.begin = "<|channel|>commentary to=functions.", .named = "<|message|>"}};
constexpr Forms kFunctionaryForm = {{.section = ">>>", .named = "\n", .between = "\n>>>"}};
constexpr Forms kFunctionForm = {{.begin = "<function=", .named = ">", .end = "</function>"}};
constexpr Forms kKimiForm = {{.section = "<|tool_calls_section_begin|>",
                              .begin = "<|tool_call_begin|>functions.",
                              .named = ":#<|tool_call_argument_begin|>",
                              .end = "<|tool_call_end|>",
                              .close = "<|tool_calls_section_end|>"}};
constexpr Forms kCohereForm = {{.section = "<|START_ACTION|>[\n    ",
                                .begin = "{\"tool_call_id\": \"#\", \"tool_name\": \"",
                                .named = "\", \"parameters\": ",
                                .end = "}",
                                .between = ",\n    ",
                                .close = "\n]<|END_ACTION|>"}};
constexpr Forms kLfmForm = {{.section = "<|tool_call_start|>[",
                             .named = "(",
                             .end = ")",
                             .between = ", ",
                             .close = "]<|tool_call_end|>"}};
constexpr Forms kGemmaForm = {{.begin = "<|tool_call>call:", .end = "<tool_call|>"}};
constexpr Forms kMinicpmForm = {{.begin = "<function name=\"", .named = "\">", .between = "\n"}};
constexpr Forms kSeedForm = {{.begin = "<seed:tool_call>\n<function=",
                              .named = ">",
                              .end = "\n</seed:tool_call>",
                              .between = "\n"}};
constexpr Forms kMinimaxForm = {{.section = "<minimax:tool_call>\n",
                                 .begin = "<invoke name=\"",
                                 .named = "\">",
                                 .between = "\n",
                                 .close = "\n</minimax:tool_call>"}};
constexpr Forms kGraniteForm = {{.section = "<|tool_call|>[",
                                 .begin = "{\"name\": \"",
                                 .named = "\", \"arguments\": ",
                                 .end = "}",
                                 .between = ", ",
                                 .close = "]"}};
constexpr Forms kApertusForm = {{.section = "<|tools_prefix|>[",
                                 .begin = "{\"",
                                 .named = "\": ",
                                 .end = "}",
                                 .between = ", ",
                                 .close = "]<|tools_suffix|>"}};
constexpr Forms kNemotronForm = {{.section = "<TOOLCALL>[",
                                  .begin = "{\"name\": \"",
                                  .named = "\", \"arguments\": ",
                                  .end = "}",
                                  .between = ", ",
                                  .close = "]</TOOLCALL>"}};
constexpr Forms kAprielForm = {{.section = "<tool_calls>[",
                                .begin = "{\"name\": \"",
                                .named = "\", \"arguments\": ",
                                .id = ", \"id\": \"@\"",
                                .end = "}",
                                .between = ", ",
                                .close = "]</tool_calls>"}};
constexpr Forms kFirefunctionForm = {{.section = "functools[",
                                      .begin = "{\"name\": \"",
                                      .named = "\", \"arguments\": ",
                                      .end = "}",
                                      .between = ", ",
                                      .close = "]"}};
constexpr Forms kGigachatForm = {{.begin = "<|function_call|>{\"name\": \"",
                                  .named = "\", \"arguments\": ",
                                  .end = "}",
                                  .between = "\n"}};

using enum OutputFamily;
using enum ArgumentStyle;

constexpr ToolSyntax kRows[] = {
    {plain, "plain"},
    {.family = hermes,
     .name = "hermes",
     .openers = kHermesOpen,
     .closers = kHermesClose,
     .head = object_head,
     .next = next_object_head,
     .forms = kHermesForm,
     .trigger = kHermesOpen[0]},
    {.family = qwen_xml,
     .name = "qwen_xml",
     .openers = kQwenOpen,
     .closers = kQwenClose,
     .head = function_head,
     .style = xml,
     .xml = &kQwenXml,
     .bare = kQwenOpen[0],
     .in_reasoning = true,
     .forms = kQwenForm,
     .trigger = kQwenOpen[1]},
    {.family = glm,
     .name = "glm",
     .openers = kHermesOpen,
     .head = glm_head,
     .style = xml,
     .xml = &kGlmXml,
     .inner = kGlmInner,
     .turn_ends = kGlmEnds,
     .forms = kGlmForm,
     .trigger = kHermesOpen[0]},
    {.family = llama3,
     .name = "llama3",
     .openers = kLlamaOpen,
     .head = llama3_head,
     .next = next_llama3_head,
     .certain = false,
     .whole_message = true,
     .turn_ends = kLlamaEnds,
     .forms = kLlamaForm},
    {.family = deepseek_v3,
     .name = "deepseek_v3",
     .openers = kV3Open,
     .closers = kV3Close,
     .head = deepseek_head,
     .inner = kV3Inner,
     .forms = kV3Form,
     .trigger = kV3Open[0]},
    {.family = deepseek_v31,
     .name = "deepseek_v31",
     .openers = kV3Open,
     .closers = kV31Close,
     .head = deepseek_head,
     .inner = kV3Inner,
     .forms = kV31Form,
     .trigger = kV3Open[0]},
    {.family = deepseek_dsml,
     .name = "deepseek_dsml",
     .openers = kDsmlOpen,
     .closers = kDsmlClose,
     .head = invoke_head,
     .style = xml,
     .xml = &kDsmlXml,
     .inner = kDsmlInner,
     .forms = kDsmlForms,
     .trigger = "<｜DSML｜"},
    {.family = mistral,
     .name = "mistral",
     .openers = kMistralOpen,
     .closers = kListClose,
     .head = mistral_head,
     .next = next_object_head,
     .id_follows = true,
     .inner = kMistralInner,
     .forms = kMistralForms,
     .trigger = kMistralOpen[0]},
    {.family = harmony,
     .name = "harmony",
     .inner = kHarmonyInner,
     .turn_ends = kHarmonyEnds,
     .forms = kHarmonyForms,
     .trigger = "<|channel|>commentary to=functions."},
    {.family = functionary, .name = "functionary", .forms = kFunctionaryForm},
    {.family = functionary31,
     .name = "functionary31",
     .openers = kFunctionOpen,
     .closers = kFunctionClose,
     .head = function_head,
     .certain = false,
     .turn_ends = kLlamaEnds,
     .forms = kFunctionForm},
    {.family = kimi_k2,
     .name = "kimi_k2",
     .openers = kKimiOpen,
     .closers = kKimiClose,
     .head = kimi_head,
     .inner = kKimiInner,
     .forms = kKimiForm,
     .trigger = kKimiOpen[0]},
    {.family = cohere,
     .name = "cohere",
     .openers = kCohereOpen,
     .closers = kCohereClose,
     .head = object_head,
     .next = next_object_head,
     .dropped = kCohereDrop,
     .forms = kCohereForm,
     .trigger = kCohereOpen[0]},
    {.family = lfm2,
     .name = "lfm2",
     .openers = kLfmOpen,
     .closers = kLfmClose,
     .head = python_head,
     .next = next_python_head,
     .style = python,
     .forms = kLfmForm,
     .trigger = kLfmOpen[0]},
    {.family = gemma4,
     .name = "gemma4",
     .openers = kGemmaOpen,
     .closers = kGemmaClose,
     .head = gemma_head,
     .style = gemma,
     .inner = kGemmaInner,
     .turn_ends = kGemmaEnds,
     .forms = kGemmaForm,
     .trigger = kGemmaOpen[0]},
    {.family = minicpm5,
     .name = "minicpm5",
     .openers = kMinicpmOpen,
     .head = invoke_head,
     .style = xml,
     .xml = &kMinicpmXml,
     .certain = false,
     .forms = kMinicpmForm},
    {.family = seed_oss,
     .name = "seed_oss",
     .openers = kSeedOpen,
     .closers = kSeedClose,
     .head = function_head,
     .style = xml,
     .xml = &kQwenXml,
     .bare = kSeedOpen[0],
     .forms = kSeedForm,
     .trigger = kSeedOpen[1]},
    {.family = minimax_m2,
     .name = "minimax_m2",
     .openers = kMinimaxOpen,
     .closers = kMinimaxClose,
     .head = invoke_head,
     .style = xml,
     .xml = &kMinimaxXml,
     .bare = kMinimaxOpen[0],
     .forms = kMinimaxForm,
     .trigger = kMinimaxOpen[1]},
    {.family = granite,
     .name = "granite",
     .openers = kGraniteOpen,
     .closers = kListClose,
     .head = object_head,
     .next = next_object_head,
     .dropped = kGraniteDrop,
     .forms = kGraniteForm,
     .trigger = kGraniteOpen[0]},
    {.family = apertus,
     .name = "apertus",
     .openers = kApertusOpen,
     .closers = kApertusClose,
     .head = keyed_head,
     .next = next_keyed_head,
     .forms = kApertusForm,
     .trigger = kApertusOpen[0]},
    {.family = nemotron_v2,
     .name = "nemotron_v2",
     .openers = kNemotronOpen,
     .closers = kNemotronClose,
     .head = object_head,
     .next = next_object_head,
     .forms = kNemotronForm,
     .trigger = kNemotronOpen[0]},
    {.family = apriel,
     .name = "apriel",
     .openers = kAprielOpen,
     .closers = kAprielClose,
     .head = object_head,
     .next = next_object_head,
     .id_follows = true,
     .dropped = kAprielDrop,
     .forms = kAprielForm,
     .trigger = kAprielOpen[0]},
    {.family = firefunction,
     .name = "firefunction",
     .openers = kFirefunctionOpen,
     .closers = kListClose,
     .head = object_head,
     .next = next_object_head,
     .certain = false,
     .forms = kFirefunctionForm},
    {.family = gigachat,
     .name = "gigachat",
     .openers = kGigachatOpen,
     .head = object_head,
     .turn_ends = kGigachatEnds,
     .forms = kGigachatForm,
     .trigger = kGigachatOpen[0]},
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
