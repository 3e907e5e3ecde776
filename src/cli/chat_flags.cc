#include "cli/chat_flags.h"

#include <map>

#include "core/text_file.h"
#include "text/json_depth.h"

namespace troika::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVariablesDepthMax = 50;

Result<Json> parse_variables(const std::string& text) {
  if (text.empty()) return Json::object();
  if (json_text_depth(text) <= kVariablesDepthMax) {
    Json variables = Json::parse(text, nullptr, false);
    if (variables.is_object()) return variables;
  }
  return fail(ErrorCode::invalid_argument,
              "--chat-template-kwargs is {}, wanted a JSON object such as {{\"key\": true}}", text);
}

}  // namespace

void add_chat_flags(CLI::App& app, ChatFlags& flags) {
  app.add_option("--chat-template", flags.source,
                 "a Jinja template instead of the model's, or 'chatml'")
      ->type_name("TEMPLATE");
  app.add_option("--chat-template-file", flags.file, "a file with such a template")
      ->type_name("FILE");
  app.add_option("--chat-template-kwargs", flags.variables,
                 "variables for the template, as a JSON object")
      ->type_name("JSON");
  app.add_option("--reasoning", flags.thinking,
                 "off: tell a model that can think to answer at once")
      ->type_name("on|off")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, bool>{{"on", true}, {"off", false}}))
      ->default_str("on");
}

Status check_chat(const ChatFlags& flags) {
  if (flags.source && flags.file)
    return fail(ErrorCode::invalid_argument,
                "both --chat-template and --chat-template-file given, wanted one of them");
  const Result<Json> variables = parse_variables(flags.variables);
  return variables.ok() ? ok() : Status(variables.error());
}

bool has_chat_template(const ChatFlags& flags, const gguf::Metadata& metadata) {
  return flags.source || flags.file || metadata.has("tokenizer.chat_template");
}

Result<ChatTemplate> load_chat_template(const ChatFlags& flags, const gguf::Metadata& metadata,
                                        const Tokenizer& tokenizer) {
  std::optional<std::string> given = flags.source;
  if (flags.file) {
    TROIKA_TRY(given, read_text_file(*flags.file));
  }
  Result<ChatTemplate> loaded = ChatTemplate::load(metadata, tokenizer, std::move(given));
  if (loaded.ok()) return loaded;
  return fail(loaded.error().code(),
              "{}; use --chat-template chatml, or 'troika run --raw' to feed text as it is",
              loaded.error().message());
}

ChatRenderOptions render_options(const ChatFlags& flags) {
  ChatRenderOptions options{.enable_thinking = flags.thinking};
  const Result<Json> variables = parse_variables(flags.variables);
  if (variables.ok()) options.variables = *variables;
  return options;
}

}  // namespace troika::cli
