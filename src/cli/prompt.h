// Where a prompt comes from, and how it becomes token ids.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/chat_flags.h"
#include "core/ids.h"
#include "core/result.h"
#include "gguf/metadata.h"
#include "text/tokenizer.h"

namespace troika::cli {

/// Exactly one of text, file and ids is set, if check_prompt() is content.
struct PromptFlags {
  std::optional<std::string> text;
  std::optional<std::string> file;  // path of a text
  std::optional<std::string> ids;   // path of token ids
  bool raw = false;                 // not a turn of a conversation, even if the model has turns
  ChatFlags chat;
};

/// Adds --prompt, --file, --prompt-tokens, --raw and those of add_chat_flags().
void add_prompt_flags(CLI::App& app, PromptFlags& flags);

/// Errors: invalid_argument — none or several prompts; those of check_chat().
Status check_prompt(const PromptFlags& flags);

/// The prompt's ids. Text is one turn of the user where `metadata` or the user has a chat template
/// and not `raw`; else it is fed as it is, with BOS where the tokenizer wants it. Markers in the
/// text count. Errors: not_found — an unreadable file; invalid_argument — a file of ids with
/// something else in it; those of load_chat_template() and ChatTemplate::render().
Result<std::vector<TokenId>> encode_prompt(const PromptFlags& flags, const gguf::Metadata& metadata,
                                           const Tokenizer& tokenizer);

/// The ids of `text`, followed by those of the prompt as it goes on from there: no BOS in front,
/// and a turn of the user closes the turn before it. Errors: those of encode_prompt().
Result<std::vector<TokenId>> continue_prompt(std::span<const TokenId> text,
                                             const PromptFlags& flags,
                                             const gguf::Metadata& metadata,
                                             const Tokenizer& tokenizer);

}  // namespace troika::cli
