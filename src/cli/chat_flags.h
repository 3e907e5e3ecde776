// Which chat template a command uses, and what it tells it.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "core/result.h"
#include "gguf/metadata.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace troika::cli {

struct ChatFlags {
  std::optional<std::string> source;  // a template's text, or "chatml"
  std::optional<std::string> file;    // path of a template
  std::string variables;              // JSON of an object; empty: none
  bool thinking = true;
};

/// Adds --chat-template, --chat-template-file, --chat-template-kwargs and --reasoning.
void add_chat_flags(CLI::App& app, ChatFlags& flags);

/// Errors: invalid_argument — two templates, or variables that are no JSON object.
Status check_chat(const ChatFlags& flags);

/// Whether the user or the file says how messages become a prompt.
bool has_chat_template(const ChatFlags& flags, const gguf::Metadata& metadata);

/// The template that the user names, else the file's, else ChatML. Errors: not_found — an
/// unreadable file; those of ChatTemplate::load(), and what to do.
Result<ChatTemplate> load_chat_template(const ChatFlags& flags, const gguf::Metadata& metadata,
                                        const Tokenizer& tokenizer);

/// What flags that passed check_chat() tell the template.
ChatRenderOptions render_options(const ChatFlags& flags);

}  // namespace troika::cli
