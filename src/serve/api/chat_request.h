// A conversation as every chat API brings it, in OpenAI's shape, and the prompt that it becomes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "serve/api/fields.h"
#include "serve/api/generation.h"
#include "serve/api/served_model.h"
#include "text/output/output_parser.h"

namespace troika::serve {

inline constexpr size_t kMessagesMax = 10'000;

/// Which tools an answer may or must call.
enum class ToolChoice : uint8_t { automatic, none, required, named };

struct ChatRequest {
  Json messages = Json::array();
  Json tools;  // as OpenAI has them; null: none
  ToolChoice tool_choice = ToolChoice::automatic;
  std::string tool_name;  // where one is named
  bool parallel_tool_calls = true;
  std::optional<std::string> schema;  // JSON schema of the content; "{}": any object
  std::string grammar;                // GBNF; empty: none
  Json template_variables;            // chat_template_kwargs
  bool enable_thinking = true;
  bool continue_final_message = false;
  bool add_generation_prompt = true;
  ReasoningFormat reasoning_format = ReasoningFormat::separate;
};

/// Reads what POST /v1/chat/completions and /apply-template have: messages, tools, tool_choice,
/// parallel_tool_calls, response_format, chat_template_kwargs, reasoning_effort, reasoning_format,
/// grammar, json_schema, add_generation_prompt, continue_final_message. Refuses what is no message.
ChatRequest read_chat_request(Fields& fields);

/// Refuses messages without a role that is known, or whose content is of another kind.
void check_messages(Fields& fields, std::string_view name, const Json& messages);

/// A conversation as the engine reads it, and how its answer is to be read.
struct ChatPrompt {
  std::string text;
  OutputParserOptions parser;
  OutputFormat format;
};

/// The prompt of a conversation. Errors: invalid_argument — the template refuses it, or tools that
/// are none; unsupported — what this model cannot do.
Result<ChatPrompt> render_chat(const ServedModel& model, const ChatRequest& request);

/// The prompt, and as `tokens`, however many. Refuses what the template does.
ChatPrompt encode_chat(Fields& fields, std::string_view name, const ServedModel& model,
                       const ChatRequest& request, std::vector<TokenId>& tokens);

/// The same with its tokens and its grammar in `spec`. Refuses what does not fit the context.
/// @param name  of the field that is to blame: "messages".
ChatPrompt prepare_chat(Fields& fields, std::string_view name, const ServedModel& model,
                        const ChatRequest& request, GenerationSpec& spec);

}  // namespace troika::serve
