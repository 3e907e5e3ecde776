// troika logits: the logits of every position of a text, as a .npy file.

#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_flags.h"
#include "cli/npy_file.h"
#include "cli/token_file.h"
#include "core/progress.h"
#include "engine/evaluate.h"
#include "runtime/model_session.h"

namespace troika::cli {
namespace {

struct LogitsOptions {
  ModelSetup model;
  std::string tokens;                  // path
  std::string out;                     // path
  std::optional<std::string> mtp_out;  // path
};

Status logits(const LogitsOptions& options) {
  TROIKA_TRY(const std::vector<TokenId> tokens, read_token_file(options.tokens));
  TROIKA_RETURN_IF_ERROR(OutputFile::check(options.out));
  if (options.mtp_out) TROIKA_RETURN_IF_ERROR(OutputFile::check(*options.mtp_out));
  TROIKA_TRY(OpenModel opened,
             open_model(options.model.path, {.draft_head = options.mtp_out.has_value()}));
  if (options.mtp_out && !opened.model.info.draft_head)
    return fail(ErrorCode::invalid_argument, "{}: the model has no draft head, wanted no --mtp-out",
                options.model.path);
  TROIKA_TRY(const std::unique_ptr<Device> device, make_device(options.model.device));
  Progress progress = Progress::on(stderr);
  const int64_t count = std::ssize(tokens);
  TROIKA_TRY(const LoadedModel model, load_weights(opened, *device,
                                                   {.tokens = count,
                                                    .chunk_tokens = options.model.chunk_tokens,
                                                    .kv_dtype = options.model.kv_dtype},
                                                   progress));

  const InterruptScope interrupt;
  TROIKA_TRY(NpyFile out, NpyFile::create(options.out, count, model.model.info.vocab));
  std::optional<NpyFile> mtp_out;
  RowSink draft_rows;
  if (options.mtp_out) {
    TROIKA_TRY(NpyFile file, NpyFile::create(*options.mtp_out, count, model.model.info.vocab));
    mtp_out.emplace(std::move(file));
    draft_rows = [&](int64_t, std::span<const float> row) { return mtp_out->row(row); };
  }
  const RowSink rows = [&](int64_t position, std::span<const float> row) -> Status {
    if (interrupt.requested())
      return fail(ErrorCode::cancelled, "interrupted at token {} of {}, no file written", position,
                  count);
    progress.show("computing logits", position + 1, count);
    return out.row(row);
  };
  TROIKA_RETURN_IF_ERROR(
      evaluate(model, tokens,
               {.chunk_tokens = options.model.chunk_tokens, .kv_dtype = options.model.kv_dtype},
               rows, draft_rows));
  TROIKA_RETURN_IF_ERROR(out.commit());
  return mtp_out ? mtp_out->commit() : ok();
}

class LogitsCommand final : public Command {
 public:
  std::string_view name() const override { return "logits"; }
  std::string_view summary() const override {
    return "Write the logits of every position of a text as float32 [tokens, vocab] (.npy)";
  }
  std::string_view examples() const override {
    return "  troika logits model.gguf --tokens ids.txt --out logits.npy\n"
           "  troika logits model.gguf --tokens ids.txt --out a.npy --mtp-out draft.npy "
           "--device reference\n";
  }
  void declare(CLI::App& app) override {
    add_model_flags(app, options_.model);
    app.add_option("--tokens", options_.tokens, "token ids in decimal, separated by white space")
        ->required()
        ->type_name("FILE");
    app.add_option("--out", options_.out, "the file to write")->required()->type_name("FILE");
    app.add_option("--mtp-out", options_.mtp_out, "a file for the draft head's rows")
        ->type_name("FILE");
  }
  Status run() override { return logits(options_); }

 private:
  LogitsOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_logits_command() {
  return std::make_unique<LogitsCommand>();
}

}  // namespace troika::cli
