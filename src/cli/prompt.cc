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

Result<std::vector<TokenId>> encode_prompt(const PromptFlags& flags, const gguf::Metadata& metadata,
                                           const Tokenizer& tokenizer) {
  if (flags.ids) return read_token_file(*flags.ids);
  std::string text;
  if (flags.file) {
    TROIKA_TRY(text, read_text_file(*flags.file));
    if (text.ends_with('\n')) text.pop_back();
  } else {
    text = *flags.text;
  }
  if (!flags.raw && has_chat_template(metadata)) {
    TROIKA_RETURN_IF_ERROR(check_chatml(metadata));
    text = render_chatml(std::array{ChatMessage{.role = "user", .content = text}});
  }
  return tokenizer.encode(text, {.add_special = true, .parse_special = true});
}

}  // namespace troika::cli
