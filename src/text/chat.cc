#include "text/chat.h"

#include "gguf/metadata.h"

namespace troika {
namespace {

constexpr std::string_view kOpen = "<|im_start|>";

}  // namespace

std::string render_chatml(std::span<const ChatMessage> messages, bool add_generation_prompt) {
  std::string prompt;
  for (const ChatMessage& message : messages) {
    prompt += kOpen;
    prompt += message.role;
    prompt += '\n';
    prompt += message.content;
    prompt += kChatmlTurnEnd;
    prompt += '\n';
  }
  if (add_generation_prompt) {
    prompt += kOpen;
    prompt += "assistant\n";
  }
  return prompt;
}

Status check_chatml(std::optional<std::string_view> chat_template) {
  if (!chat_template)
    return fail(ErrorCode::not_found,
                "the file has no chat template (tokenizer.chat_template); use --raw to feed the "
                "text as it is");
  if (chat_template->find(kOpen) == std::string_view::npos)
    return fail(ErrorCode::unsupported,
                "the file's chat template (tokenizer.chat_template) is not ChatML: it has no {}; "
                "only ChatML "
                "templates are supported, use --raw to feed the text as it is",
                kOpen);
  return ok();
}

Status check_chatml(const gguf::Metadata& metadata) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  if (!metadata.has(kKey)) return check_chatml(std::nullopt);
  TROIKA_TRY(std::string_view chat_template, metadata.string(kKey));
  return check_chatml(chat_template);
}

}  // namespace troika
