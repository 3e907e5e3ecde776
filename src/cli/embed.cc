// troika embed: texts as vectors, one JSON object a line.

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "cli/choice.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_flags.h"
#include "cli/streams.h"
#include "core/progress.h"
#include "core/text_file.h"
#include "engine/embedder.h"
#include "runtime/model_session.h"

namespace troika::cli {
namespace {

enum class PoolingChoice { file, mean, last };

constexpr Choice<PoolingChoice> kPoolings[] = {
    {"auto", PoolingChoice::file}, {"mean", PoolingChoice::mean}, {"last", PoolingChoice::last}};

struct EmbedOptions {
  ModelSetup model;
  std::vector<std::string> texts;
  std::optional<std::string> file;  // path; a text each line
  PoolingChoice pooling = PoolingChoice::file;
  bool raw_length = false;
};

/// What the file was trained for, by "<architecture>.pooling_type": 1 is mean, 3 last. Models that
/// were not trained for embeddings do not say.
Result<Pooling> pooling_of(PoolingChoice choice, const gguf::Metadata& metadata,
                           const std::string& architecture) {
  constexpr int64_t kMean = 1;
  constexpr int64_t kLast = 3;
  if (choice != PoolingChoice::file)
    return choice == PoolingChoice::last ? Pooling::last : Pooling::mean;
  TROIKA_TRY(const int64_t type, metadata.integer_or(architecture + ".pooling_type", kMean));
  if (type == kMean || type == kLast) return type == kLast ? Pooling::last : Pooling::mean;
  return fail(ErrorCode::unsupported,
              "the file asks for pooling {}, wanted 1 (mean) or 3 (last), or --pooling", type);
}

void add_lines(const std::string& text, std::vector<std::string>& lines) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
}

/// {"index":0,"tokens":3,"embedding":[...]}; each number the shortest that reads back as it is.
std::string line_of(size_t index, size_t tokens, std::span<const float> vector) {
  std::string line = fmt::format("{{\"index\":{},\"tokens\":{},\"embedding\":[", index, tokens);
  for (size_t i = 0; i < vector.size(); i++)
    line += fmt::format("{}{}", i == 0 ? "" : ",", vector[i]);
  return line + "]}\n";
}

Status write_vector(Embedder& embedder, size_t index, std::span<const TokenId> tokens,
                    Pooling pooling, const EmbedOptions& options) {
  Result<std::span<float>> vector = embedder.embed(tokens, pooling);
  if (!vector.ok())
    return fail(vector.error().code(), "text {}: {}", index, vector.error().message());
  for (const float x : *vector)
    if (!std::isfinite(x))
      return fail(ErrorCode::corrupt, "text {}: the model computes {}, wanted finite numbers",
                  index, x);
  if (!options.raw_length) normalise(*vector);
  return write_stdout(line_of(index, tokens.size(), *vector));
}

Status embed(const EmbedOptions& options) {
  std::vector<std::string> texts = options.texts;
  if (options.file) {
    TROIKA_TRY(const std::string content, read_text_file(*options.file));
    add_lines(content, texts);
  }
  TROIKA_TRY(OpenModel opened,
             open_model(options.model.path, {.draft_head = false, .hidden_rows = true}));
  TROIKA_TRY(const auto tokenizer, Tokenizer::load(opened.file.metadata()));
  TROIKA_TRY(const Pooling pooling,
             pooling_of(options.pooling, opened.file.metadata(), opened.model.info.architecture));
  std::vector<std::vector<TokenId>> ids;
  int64_t longest = 1;
  for (const std::string& text : texts) {
    ids.push_back(tokenizer->encode(text));
    longest = std::max(longest, std::ssize(ids.back()));
  }
  TROIKA_TRY(const std::unique_ptr<Device> device, make_device(options.model.device));
  Progress progress = Progress::on(stderr);
  const ContextSize size{.tokens = longest,
                         .chunk_tokens = options.model.chunk_tokens,
                         .kv_dtype = options.model.kv_dtype};
  TROIKA_TRY(const LoadedModel model, load_weights(opened, *device, size, progress));
  TROIKA_TRY(const auto embedder, Embedder::make(model, {.context = longest,
                                                         .chunk_tokens = size.chunk_tokens,
                                                         .kv_dtype = size.kv_dtype}));
  const InterruptScope interrupt;
  for (size_t i = 0; i < ids.size(); i++) {
    if (interrupt.requested())
      return fail(ErrorCode::cancelled, "interrupted before text {} of {}", i, ids.size());
    TROIKA_RETURN_IF_ERROR(write_vector(*embedder, i, ids[i], pooling, options));
  }
  return ok();
}

class EmbedCommand final : public Command {
 public:
  std::string_view name() const override { return "embed"; }
  std::string_view summary() const override {
    return "Write texts as vectors, one JSON object a line";
  }
  std::string_view examples() const override {
    return "  troika embed model.gguf -p \"a red horse\" -p \"a bay mare\"\n"
           "  troika embed model.gguf -f lines.txt --pooling last > vectors.jsonl\n";
  }
  void declare(CLI::App& app) override {
    add_model_flags(app, options_.model);
    app.add_option("-p,--prompt", options_.texts, "a text; may be repeated")
        ->expected(1)
        ->take_all()
        ->type_name("TEXT");
    app.add_option("-f,--file", options_.file, "a file with a text on each line")
        ->type_name("FILE");
    add_choice<PoolingChoice>(
        app, "--pooling", options_.pooling, kPoolings,
        "mean of all tokens, last token only, or auto: what the file says, else mean");
    app.add_flag("--no-normalize", options_.raw_length, "leave vectors as long as they are");
  }
  Status check() const override {
    if (options_.texts.empty() && !options_.file)
      return fail(ErrorCode::invalid_argument, "no text given, wanted --prompt or --file");
    return ok();
  }
  Status run() override { return embed(options_); }

 private:
  EmbedOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_embed_command() {
  return std::make_unique<EmbedCommand>();
}

}  // namespace troika::cli
