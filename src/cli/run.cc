// troika run: one prompt, one answer.

#include <filesystem>
#include <memory>
#include <optional>

#include "cli/answer_flags.h"
#include "cli/choice.h"
#include "cli/command.h"
#include "cli/generation.h"
#include "cli/generation_report.h"
#include "cli/prompt.h"
#include "cli/sampling_flags.h"
#include "cli/session_flags.h"
#include "cli/streams.h"
#include "core/output_file.h"
#include "core/progress.h"
#include "engine/session_file.h"
#include "runtime/model_session.h"

namespace troika::cli {
namespace {

struct RunOptions {
  SessionOptions session;
  SamplingFlags sampling;
  PromptFlags prompt;
  AnswerFlags answer;
  std::optional<int64_t> logprobs;  // alternatives to tell of
  std::string text_file;            // path of a session file; empty: none
  bool json = false;
};

RunFacts facts_of(ModelSession& session, const SamplingOptions& sampling, double load_ms) {
  return {.load_ms = load_ms,
          .seed = sampling.seed,
          .sampled = sampling.temperature > 0,
          .drafts = session.speculation().type != SpecType::none,
          .memory = session.memory(),
          .device_bytes = session.engine().forward().device_bytes(),
          .device = session.device().info().name,
          .notes = session.tokenizer().warnings()};
}

/// The text to go on from; null where there is none yet.
Result<std::shared_ptr<const SessionFile>> open_text(const std::string& path) {
  if (path.empty()) return std::shared_ptr<const SessionFile>();
  TROIKA_RETURN_IF_ERROR(OutputFile::check(path));
  if (!std::filesystem::exists(path)) return std::shared_ptr<const SessionFile>();
  TROIKA_TRY(SessionFile file, SessionFile::open(path));
  return std::make_shared<const SessionFile>(std::move(file));
}

Result<std::vector<TokenId>> prompt_ids(const PromptFlags& flags, const ModelSession& session,
                                        const SessionFile* before) {
  const gguf::Metadata& metadata = session.file().metadata();
  if (before == nullptr) return encode_prompt(flags, metadata, session.tokenizer());
  return continue_prompt(before->header().tokens, flags, metadata, session.tokenizer());
}

Status run_prompt(const RunOptions& options) {
  TROIKA_TRY(const SamplingOptions sampling, resolve(options.sampling));
  const double start_ms = clock_ms();
  TROIKA_TRY(const std::shared_ptr<const SessionFile> before, open_text(options.text_file));
  TROIKA_TRY(const std::unique_ptr<ModelSession> session, ModelSession::open(options.session));
  TROIKA_TRY(std::vector<TokenId> prompt, prompt_ids(options.prompt, *session, before.get()));
  TROIKA_RETURN_IF_ERROR(session->check_prompt_fits(std::ssize(prompt)));
  Progress progress = Progress::on(stderr);
  TROIKA_RETURN_IF_ERROR(session->load(progress));
  const double load_ms = clock_ms() - start_ms;

  GenerateOptions generating{.on_text = write_stdout, .hash_logits = false, .progress = &progress};
  if (options.json)
    generating = {
        .logprobs = options.logprobs.has_value(), .hash_logits = true, .progress = &progress};
  generating.save_to = options.text_file;
  TROIKA_TRY(const Generation generation, generate(session->engine(), session->tokenizer(),
                                                   {.prompt = std::move(prompt),
                                                    .session = before,
                                                    .tokens_max = options.answer.tokens_max,
                                                    .tokens_min = options.answer.tokens_min,
                                                    .sampling = sampling,
                                                    .stop = options.answer.stop,
                                                    .top_logprobs = options.logprobs.value_or(0),
                                                    .speculation = session->speculation()},
                                                   generating));
  const RunFacts facts = facts_of(*session, sampling, load_ms);
  const bool interrupted = generation.finish == FinishReason::cancelled;
  if (!options.json) {
    if (!generation.text.ends_with('\n')) TROIKA_RETURN_IF_ERROR(write_stdout("\n"));
    write_stderr("\n" + summary_text(generation, facts));
  } else if (!interrupted) {
    TROIKA_RETURN_IF_ERROR(write_stdout(summary_json(generation, facts)));
  }
  if (interrupted)
    return fail(ErrorCode::cancelled, "interrupted after {} tokens", generation.tokens.size());
  return ok();
}

class RunCommand final : public Command {
 public:
  std::string_view name() const override { return "run"; }
  std::string_view summary() const override { return "Answer one prompt"; }
  std::string_view examples() const override {
    return "  troika run model.gguf -p \"What is 34 + 58?\"\n"
           "  troika run model.gguf -f letter.txt -n 200 --temp 0\n"
           "  troika run model.gguf --raw -p \"Once upon a time\" --seed 7\n"
           "  troika run model.gguf -p Hello --session talk.bin\n"
           "  troika run model.gguf -p Hello --spec-type none --json\n";
  }
  void declare(CLI::App& app) override {
    add_prompt_flags(app, options_.prompt);
    add_answer_flags(app, options_.answer);
    app.add_flag("--ignore-eos", options_.session.go_on_after_end,
                 "go on after a token that ends the text; to forbid it, use --logit-bias ID-inf");
    add_session_flags(app, options_.session);
    add_sampling_flags(app, options_.sampling);
    app.add_option("--session", options_.text_file,
                   "go on from the text in this file, if there is one, and leave the text and "
                   "what was computed of it there")
        ->type_name("FILE");
    app.add_option("--logprobs", options_.logprobs,
                   "with --json: each token's log-probability and those of the so many likeliest")
        ->check(between(0, kTopLogprobsMax));
    app.add_flag("--json", options_.json,
                 "print one JSON object with text, token ids and timings instead of the text");
  }
  Status check() const override {
    TROIKA_RETURN_IF_ERROR(check_prompt(options_.prompt));
    TROIKA_RETURN_IF_ERROR(check_answer(options_.answer));
    if (options_.logprobs && !options_.json)
      return fail(ErrorCode::invalid_argument, "--logprobs without --json, wanted both");
    const Result<SamplingOptions> sampling = resolve(options_.sampling);
    return sampling.ok() ? ok() : Status(sampling.error());
  }
  Status run() override { return run_prompt(options_); }

 private:
  RunOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_run_command() {
  return std::make_unique<RunCommand>();
}

}  // namespace troika::cli
