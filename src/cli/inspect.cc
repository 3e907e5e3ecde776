// troika inspect: what is in a model file, and what memory it takes.

#include <optional>
#include <string>

#include "cli/choice.h"
#include "cli/command.h"
#include "cli/inspection.h"
#include "cli/model_flags.h"
#include "cli/session_flags.h"
#include "cli/streams.h"
#include "model/registry.h"

namespace troika::cli {
namespace {

struct InspectOptions {
  SessionOptions session;
  bool json = false;
};

Status inspect(const InspectOptions& options) {
  const SessionOptions& session = options.session;
  TROIKA_TRY(const gguf::File file, gguf::File::open(session.model.path));
  Inspection inspection{.file = &file,
                        .model = make_model(file, {.draft_head = true}),
                        .tokenizer = Tokenizer::load(file.metadata())};
  if (inspection.model.ok()) {
    const Model& model = *inspection.model;
    const bool drafts = session.speculation.type != SpecType::none;
    inspection.context = {.tokens = context_tokens(session.context, model.info),
                          .chunk_tokens = session.model.chunk_tokens,
                          .draft_tokens_max = drafts ? session.speculation.depth_max : 0,
                          .kv_dtype = session.model.kv_dtype};
    inspection.memory = plan_context(model, inspection.context);
  }
  return write_stdout(options.json ? inspection_json(inspection) : inspection_text(inspection));
}

class InspectCommand final : public Command {
 public:
  std::string_view name() const override { return "inspect"; }
  std::string_view summary() const override {
    return "Show a file's metadata, tensors and layers, and the memory that it takes";
  }
  std::string_view examples() const override {
    return "  troika inspect model.gguf\n"
           "  troika inspect model.gguf -c 32768 --kv-type f32\n"
           "  troika inspect model.gguf --json\n";
  }
  void declare(CLI::App& app) override {
    add_model_flag(app, options_.session.model.path);
    add_kv_type_flag(app, options_.session.model.kv_dtype);
    app.add_option("-c,--ctx-size", options_.session.context,
                   fmt::format("tokens of the context whose memory is summed; 0: what the model "
                               "was trained for [that, at most {}]",
                               EngineOptions{}.context))
        ->check(between(0, kPlannedTokensMax));
    app.add_flag("--json", options_.json, "print one JSON object");
  }
  Status run() override { return inspect(options_); }

 private:
  InspectOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_inspect_command() {
  return std::make_unique<InspectCommand>();
}

}  // namespace troika::cli
