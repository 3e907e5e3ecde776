// How a model writes reasoning and tool calls: a row for each family of formats, found by what its
// chat template says. The markers are text here; a tokenizer knows most of them as one token each.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace troika {

/// A format of tool calls, named after the models that made it known. T below is JSON text.
enum class OutputFamily : uint8_t {
  plain,          // no calls: everything is text
  hermes,         // <tool_call>{"name": N, "arguments": T}</tool_call>: Hermes, Qwen 2.5 and 3, QwQ
  qwen_xml,       // <tool_call><function=N><parameter=K>V</parameter></function></tool_call>
  glm,            // <tool_call>N<arg_key>K</arg_key><arg_value>V</arg_value></tool_call>
  llama3,         // {"name": N, "parameters": T} is the whole message; <|python_tag|>
  deepseek_v3,    // calls of function<sep>N and a fenced block: V3, R1
  deepseek_v31,   // calls of N<sep>T
  deepseek_dsml,  // <DSML invoke name="N"> with typed parameters: V3.2, V4
  mistral,        // [TOOL_CALLS] and a JSON list, or N[CALL_ID]I[ARGS]T, or N[ARGS]T
  harmony,        // messages with channels and recipients: gpt-oss
  functionary,    // >>>N and a line with T; >>>all and text
  functionary31,  // <function=N>T</function>
  kimi_k2,        // a section of calls functions.N:I
  cohere,         // <|START_ACTION|>[{"tool_call_id": I, "tool_name": N, "parameters": T}]
  lfm2,           // <|tool_call_start|>[N(k="v")]<|tool_call_end|>
  gemma4,         // <|tool_call>call:N{k:<|"|>v<|"|>}<tool_call|>
  minicpm5,       // <function name="N"><param name="K">V</param></function>
  seed_oss,       // as qwen_xml, in <seed:tool_call>
  minimax_m2,     // <minimax:tool_call><invoke name="N"><parameter name="K">V</parameter></invoke>
  granite,        // <|tool_call|>[{"name": N, "arguments": T}]
  apertus,        // <|tools_prefix|>[{N: T}]<|tools_suffix|>
  nemotron_v2,    // <TOOLCALL>[{"name": N, "arguments": T}]</TOOLCALL>
  apriel,         // <tool_calls>[{"name": N, "arguments": T, "id": I}]</tool_calls>
  firefunction,   // functools[{"name": N, "arguments": T}]
  gigachat,       // <|function_call|>{"name": N, "arguments": T}
};

inline constexpr int kOutputFamilies = static_cast<int>(OutputFamily::gigachat) + 1;

/// The family's name as it is spelt above.
std::string_view output_family_name(OutputFamily family);

/// What a reader of a model's output must know. A value of views into constants of the program.
struct OutputFormat {
  OutputFamily family = OutputFamily::plain;
  std::string_view reasoning_open;  // "<think>"; empty: reasoning is not told apart
  std::string_view reasoning_close;

  /// Beginnings of a call, at which a grammar of calls may set in; none where a call has no mark of
  /// its own.
  std::span<const std::string_view> call_openers() const;

  /// Texts of tokens that end a turn although the vocabulary may not say so, as "<|call|>".
  std::span<const std::string_view> turn_ends() const;

  /// All markers of the family. Those that are tokens of the vocabulary must reach the parser as
  /// their text, though control tokens are not shown otherwise.
  std::vector<std::string_view> markers() const;
};

/// The format that a chat template's source asks for: the first family in a fixed order whose
/// marks it has; `plain` where it has none. An empty template is plain.
OutputFormat detect_output_format(std::string_view chat_template);

}  // namespace troika
