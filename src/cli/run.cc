// troika run: one prompt, one answer.

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
#include "core/progress.h"
#include "runtime/model_session.h"

namespace troika::cli {
namespace {

struct RunOptions {
  SessionOptions session;
  SamplingFlags sampling;
  PromptFlags prompt;
  AnswerFlags answer;
  std::optional<int64_t> logprobs;  // alternatives to tell of
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

Status run_prompt(const RunOptions& options) {
  TROIKA_TRY(const SamplingOptions sampling, resolve(options.sampling));
  const double start_ms = clock_ms();
  TROIKA_TRY(const std::unique_ptr<ModelSession> session, ModelSession::open(options.session));
  TROIKA_TRY(std::vector<TokenId> prompt,
             encode_prompt(options.prompt, session->file().metadata(), session->tokenizer()));
  TROIKA_RETURN_IF_ERROR(session->check_prompt_fits(std::ssize(prompt)));
  Progress progress = Progress::on(stderr);
  TROIKA_RETURN_IF_ERROR(session->load(progress));
  const double load_ms = clock_ms() - start_ms;

  GenerateOptions generating{.on_text = write_stdout, .hash_logits = false, .progress = &progress};
  if (options.json)
    generating = {
        .logprobs = options.logprobs.has_value(), .hash_logits = true, .progress = &progress};
  TROIKA_TRY(const Generation generation, generate(session->engine(), session->tokenizer(),
                                                   {.prompt = std::move(prompt),
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
           "  troika run model.gguf -p Hello --spec-type none --json\n";
  }
  void declare(CLI::App& app) override {
    add_prompt_flags(app, options_.prompt);
    add_answer_flags(app, options_.answer);
    app.add_flag("--ignore-eos", options_.session.go_on_after_end,
                 "go on after a token that ends the text; to forbid it, use --logit-bias ID-inf");
    add_session_flags(app, options_.session);
    add_sampling_flags(app, options_.sampling);
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
