#include "cli/prompt.h"

#include <array>

#include "cli/token_file.h"
#include "core/text_file.h"
#include "text/chat.h"

namespace troika::cli {

void add_prompt_flags(CLI::App& app, PromptFlags& flags) {
  app.add_option("-p,--prompt", flags.text, "the prompt")->type_name("TEXT");
  app.add_option("-f,--file", flags.file, "a file with the prompt; a newline at its end is dropped")
      ->type_name("FILE");
  app.add_option("--prompt-tokens", flags.ids,
                 "a file with the prompt's token ids, fed as they are")
      ->type_name("FILE");
  app.add_flag("--raw", flags.raw, "feed the text as it is, without the model's chat template");
}

Status check_prompt(const PromptFlags& flags) {
  const int given = flags.text.has_value() + flags.file.has_value() + flags.ids.has_value();
  if (given == 1) return ok();
  return fail(ErrorCode::invalid_argument,
              "{} given, wanted one of --prompt, --file and --prompt-tokens",
              given == 0 ? "no prompt" : "several prompts");
}

bool has_chat_template(const gguf::Metadata& metadata) {
  return metadata.has("tokenizer.chat_template");
}

namespace {

/// The text of the prompt, a turn of the user where that is wanted.
struct PromptText {
  std::string text;
  bool turn = false;
};

Result<PromptText> prompt_text(const PromptFlags& flags, const gguf::Metadata& metadata) {
  PromptText prompt;
  if (flags.file) {
    TROIKA_TRY(prompt.text, read_text_file(*flags.file));
    if (prompt.text.ends_with('\n')) prompt.text.pop_back();
  } else {
    prompt.text = *flags.text;
  }
  prompt.turn = !flags.raw && has_chat_template(metadata);
  if (prompt.turn) {
    TROIKA_RETURN_IF_ERROR(check_chatml(metadata));
    prompt.text = render_chatml(std::array{ChatMessage{.role = "user", .content = prompt.text}});
  }
  return prompt;
}

}  // namespace

Result<std::vector<TokenId>> encode_prompt(const PromptFlags& flags, const gguf::Metadata& metadata,
                                           const Tokenizer& tokenizer) {
  if (flags.ids) return read_token_file(*flags.ids);
  TROIKA_TRY(const PromptText prompt, prompt_text(flags, metadata));
  return tokenizer.encode(prompt.text, {.add_special = true, .parse_special = true});
}

Result<std::vector<TokenId>> continue_prompt(std::span<const TokenId> text,
                                             const PromptFlags& flags,
                                             const gguf::Metadata& metadata,
                                             const Tokenizer& tokenizer) {
  std::vector<TokenId> more;
  if (flags.ids) {
    TROIKA_TRY(more, read_token_file(*flags.ids));
  } else {
    TROIKA_TRY(PromptText prompt, prompt_text(flags, metadata));
    const bool closed = !text.empty() && tokenizer.is_end_of_generation(text.back());
    if (prompt.turn) {
      const std::string end = closed ? "\n" : std::string(kChatmlTurnEnd) + "\n";
      prompt.text.insert(0, end);
    }
    more = tokenizer.encode(prompt.text, {.add_special = false, .parse_special = true});
  }
  more.insert(more.begin(), text.begin(), text.end());
  return more;
}

}  // namespace troika::cli
