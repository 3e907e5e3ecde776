// From a conversation to text, by the model's chat template.
#include "serve/api/chat_request.h"

namespace troika::serve {

Result<ChatPrompt> render_chat(const ServedModel& model, const ChatRequest& request) {
  const ChatTemplate& chat = model.chat_template();
  const ChatRenderOptions options{.add_generation_prompt = request.add_generation_prompt,
                                  .continue_final_message = request.continue_final_message,
                                  .enable_thinking = request.enable_thinking,
                                  .variables = request.template_variables};
  ChatPrompt prompt{.format = detect_output_format(chat.source(!request.tools.is_null()))};
  TROIKA_TRY(prompt.text, chat.render(request.messages, request.tools, options));
  if (request.add_generation_prompt) {
    TROIKA_TRY(prompt.parser.generation_prompt,
               chat.generation_prompt(request.messages, request.tools, options));
  }
  if (!request.tools.is_null()) {
    TROIKA_TRY(prompt.parser.tools, read_output_tools(to_text(request.tools)));
  }
  prompt.parser.parse_tool_calls = request.tool_choice != ToolChoice::none;
  prompt.parser.reasoning_format = request.reasoning_format;
  if (!request.parallel_tool_calls) prompt.parser.tool_calls_max = 1;
  return prompt;
}

}  // namespace troika::serve
