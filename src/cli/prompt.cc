#include "cli/prompt.h"

#include "cli/token_file.h"
#include "core/text_file.h"

namespace troika::cli {

using Json = nlohmann::ordered_json;

void add_prompt_flags(CLI::App& app, PromptFlags& flags) {
  app.add_option("-p,--prompt", flags.text, "the prompt")->type_name("TEXT");
  app.add_option("-f,--file", flags.file, "a file with the prompt; a newline at its end is dropped")
      ->type_name("FILE");
  app.add_option("--prompt-tokens", flags.ids,
                 "a file with the prompt's token ids, fed as they are")
      ->type_name("FILE");
  app.add_flag("--raw", flags.raw, "feed the text as it is, without the model's chat template");
  add_chat_flags(app, flags.chat);
}

Status check_prompt(const PromptFlags& flags) {
  const int given = flags.text.has_value() + flags.file.has_value() + flags.ids.has_value();
  if (given == 1) return check_chat(flags.chat);
  return fail(ErrorCode::invalid_argument,
              "{} given, wanted one of --prompt, --file and --prompt-tokens",
              given == 0 ? "no prompt" : "several prompts");
}

namespace {

Result<std::string> read_prompt(const PromptFlags& flags) {
  if (!flags.file) return *flags.text;
  TROIKA_TRY(std::string text, read_text_file(*flags.file));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

bool is_turn(const PromptFlags& flags, const gguf::Metadata& metadata) {
  return !flags.raw && has_chat_template(flags.chat, metadata);
}

}  // namespace

Result<std::vector<TokenId>> encode_prompt(const PromptFlags& flags, const gguf::Metadata& metadata,
                                           const Tokenizer& tokenizer) {
  if (flags.ids) return read_token_file(*flags.ids);
  TROIKA_TRY(std::string prompt, read_prompt(flags));
  if (is_turn(flags, metadata)) {
    TROIKA_TRY(const ChatTemplate chat, load_chat_template(flags.chat, metadata, tokenizer));
    const Json message = {{"role", "user"}, {"content", prompt}};
    TROIKA_TRY(prompt, chat.render(Json::array({message}), nullptr, render_options(flags.chat)));
  }
  return tokenizer.encode(prompt, {.add_special = true, .parse_special = true});
}

Result<std::vector<TokenId>> continue_prompt(std::span<const TokenId> text,
                                             const PromptFlags& flags,
                                             const gguf::Metadata& metadata,
                                             const Tokenizer& tokenizer) {
  std::vector<TokenId> more;
  if (flags.ids) {
    TROIKA_TRY(more, read_token_file(*flags.ids));
  } else {
    TROIKA_TRY(std::string prompt, read_prompt(flags));
    if (is_turn(flags, metadata)) {
      TROIKA_TRY(const ChatTemplate chat, load_chat_template(flags.chat, metadata, tokenizer));
      TROIKA_TRY(prompt, chat.next_turn(prompt, render_options(flags.chat)));
      // The text may end with the token that closes its turn, which the template writes, too.
      const std::string end = !text.empty() && tokenizer.is_end_of_generation(text.back())
                                  ? tokenizer.piece(text.back(), true)
                                  : std::string();
      if (!end.empty() && prompt.starts_with(end)) prompt.erase(0, end.size());
    }
    more = tokenizer.encode(prompt, {.add_special = false, .parse_special = true});
  }
  more.insert(more.begin(), text.begin(), text.end());
  return more;
}

}  // namespace troika::cli
