// From messages to a prompt. ChatML only: <|im_start|>role\ncontent<|im_end|>\n, as Qwen's
// templates print it without tools. Source: the ChatML format as published with Qwen models.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "text/tokenizer_spec.h"

namespace troika {

/// The control token that ends a turn.
inline constexpr std::string_view kChatmlTurnEnd = "<|im_end|>";

/// One turn of a conversation.
struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

/// The prompt of `messages`, every turn closed, then the opening of the assistant's turn unless
/// told otherwise. Encode it with add_special and parse_special: the markers are control tokens.
std::string render_chatml(std::span<const ChatMessage> messages, bool add_generation_prompt = true);

/// Whether render_chatml() speaks the language of a file with this chat template (nothing: the file
/// has none). Errors: not_found — no template; unsupported — another format than ChatML. Both say
/// that --raw feeds text as it is.
Status check_chatml(std::optional<std::string_view> chat_template);

/// check_chatml() of the key `tokenizer.chat_template`.
Status check_chatml(const gguf::Metadata& metadata);

}  // namespace troika
