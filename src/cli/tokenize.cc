// troika tokenize: how a model's tokenizer cuts a text.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/model_flags.h"
#include "cli/streams.h"
#include "cli/token_file.h"
#include "core/printable.h"
#include "core/text_file.h"
#include "gguf/file.h"
#include "text/tokenizer.h"

namespace troika::cli {
namespace {

struct TokenizeOptions {
  std::string model;  // path
  std::optional<std::string> text;
  std::optional<std::string> file;  // path
  bool ids = false;
  bool json = false;
  bool no_bos = false;
  bool no_parse_special = false;
};

std::string ids_text(std::span<const TokenId> tokens) {
  std::string text;
  for (const TokenId id : tokens)
    text += fmt::format("{}{}", text.empty() ? "" : " ", static_cast<int32_t>(id));
  return text + "\n";
}

std::string table_text(const Tokenizer& tokenizer, std::span<const TokenId> tokens) {
  constexpr size_t kPieceBytesMax = 200;
  std::string text;
  for (const TokenId id : tokens)
    text += fmt::format("{:>8}  \"{}\"\n", static_cast<int32_t>(id),
                        printable(tokenizer.piece(id, true), kPieceBytesMax));
  return text;
}

std::string json_text(const Tokenizer& tokenizer, std::span<const TokenId> tokens, bool ids_only) {
  using Json = nlohmann::ordered_json;
  Json ids = Json::array();
  Json pieces = Json::array();
  for (const TokenId id : tokens) {
    ids.push_back(static_cast<int32_t>(id));
    pieces.push_back(tokenizer.piece(id, true));
  }
  const Json object = ids_only ? ids : Json{{"tokens", ids}, {"pieces", pieces}};
  // A piece may be part of a character.
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Status tokenize(const TokenizeOptions& options) {
  TROIKA_TRY(const gguf::File file, gguf::File::open(options.model));
  TROIKA_TRY(const std::unique_ptr<Tokenizer> tokenizer, Tokenizer::load(file.metadata()));
  std::string text;
  if (options.file) {
    TROIKA_TRY(text, read_text_file(*options.file));
  } else {
    text = *options.text;
  }
  const std::vector<TokenId> tokens = tokenizer->encode(
      text, {.add_special = !options.no_bos, .parse_special = !options.no_parse_special});
  for (const std::string& warning : tokenizer->warnings()) write_stderr("note: " + warning + "\n");
  if (options.json) return write_stdout(json_text(*tokenizer, tokens, options.ids));
  return write_stdout(options.ids ? ids_text(tokens) : table_text(*tokenizer, tokens));
}

class TokenizeCommand final : public Command {
 public:
  std::string_view name() const override { return "tokenize"; }
  std::string_view summary() const override { return "Show how the model cuts a text into tokens"; }
  std::string_view examples() const override {
    return "  troika tokenize model.gguf -p \"Three horses\"\n"
           "  troika tokenize model.gguf --ids -f prompt.txt > ids.txt\n";
  }
  void declare(CLI::App& app) override {
    add_model_flag(app, options_.model);
    app.add_option("-p,--prompt", options_.text, "the text")->type_name("TEXT");
    app.add_option("-f,--file", options_.file, "a file with the text, taken byte by byte")
        ->type_name("FILE");
    app.add_flag("--ids", options_.ids, "ids only, as --prompt-tokens reads them");
    app.add_flag("--json", options_.json,
                 "one JSON object with tokens and pieces (--ids: an array)");
    app.add_flag("--no-bos", options_.no_bos, "add no token that begins or ends a text");
    app.add_flag("--no-parse-special", options_.no_parse_special,
                 "control tokens written in the text are plain text");
  }
  Status check() const override {
    if (options_.text.has_value() != options_.file.has_value()) return ok();
    return fail(ErrorCode::invalid_argument, "{} given, wanted one of --prompt and --file",
                options_.text ? "two texts" : "no text");
  }
  Status run() override { return tokenize(options_); }

 private:
  TokenizeOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_tokenize_command() {
  return std::make_unique<TokenizeCommand>();
}

}  // namespace troika::cli
