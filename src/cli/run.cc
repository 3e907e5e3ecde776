// troika run: one prompt, one answer.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "cli/answer_flags.h"
#include "cli/choice.h"
#include "cli/command.h"
#include "cli/engine_flags.h"
#include "cli/generation.h"
#include "cli/generation_report.h"
#include "cli/grammar_flags.h"
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

constexpr int64_t kParallelMax = 8;

struct RunOptions {
  SessionOptions session;
  SamplingFlags sampling;
  PromptFlags prompt;
  AnswerFlags answer;
  GrammarFlags grammar;
  RunOptions() { session.cache.on = true; }  // of use to several choices only
  ChoiceOptions choices() const {
    return {.choices = choices_told, .best_of = best_of > 0 ? best_of : choices_told};
  }

  int32_t choices_told = 1;
  int32_t best_of = 0;              // 0: as many as are told
  int64_t parallel = 0;             // 0: as many as are written, at most kParallelMax
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
          .device_bytes = session.engine().device_bytes(),
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

/// One text needs nobody's company.
SessionOptions session_options(const RunOptions& options) {
  SessionOptions session = options.session;
  const int64_t texts = options.choices().best_of;
  session.sharing.sequences_max =
      std::min(texts, options.parallel > 0 ? options.parallel : kParallelMax);
  session.cache.on = session.cache.on && texts > 1;
  return session;
}

/// The text to write, or the best of several.
Result<std::vector<Generation>> write_texts(const RunOptions& options, ModelSession& session,
                                            Request request, const GenerateOptions& generating) {
  const ChoiceOptions choices = options.choices();
  if (choices.best_of > 1)
    return generate_choices(session.engine(), session.tokenizer(), std::move(request), choices,
                            generating);
  TROIKA_TRY(Generation one,
             generate(session.engine(), session.tokenizer(), std::move(request), generating));
  std::vector<Generation> all;
  all.push_back(std::move(one));
  return all;
}

/// Prints what was not printed yet.
Status report(const RunOptions& options, const std::vector<Generation>& texts,
              const RunFacts& facts) {
  const auto cancelled = [](const Generation& g) { return g.finish == FinishReason::cancelled; };
  const bool interrupted = std::ranges::any_of(texts, cancelled);
  if (!options.json) {
    if (options.choices().best_of > 1)
      TROIKA_RETURN_IF_ERROR(write_stdout(choices_text(texts)));
    else if (!texts.front().text.ends_with('\n'))
      TROIKA_RETURN_IF_ERROR(write_stdout("\n"));
    write_stderr("\n" + summary_text(texts, facts));
  } else if (!interrupted) {
    TROIKA_RETURN_IF_ERROR(write_stdout(summary_json(texts, facts)));
  }
  if (interrupted)
    return fail(ErrorCode::cancelled, "interrupted after {} tokens", texts.front().tokens.size());
  return ok();
}

Status run_prompt(const RunOptions& options) {
  TROIKA_TRY(const SamplingOptions sampling, resolve(options.sampling));
  const double start_ms = clock_ms();
  TROIKA_TRY(const std::shared_ptr<const SessionFile> before, open_text(options.text_file));
  TROIKA_TRY(const std::unique_ptr<ModelSession> session,
             ModelSession::open(session_options(options)));
  TROIKA_TRY(std::vector<TokenId> prompt, prompt_ids(options.prompt, *session, before.get()));
  TROIKA_TRY(const auto grammar, make_grammar(options.grammar, session->tokenizer()));
  TROIKA_RETURN_IF_ERROR(session->check_prompt_fits(std::ssize(prompt)));
  Progress progress = Progress::on(stderr);
  TROIKA_RETURN_IF_ERROR(session->load(progress));
  const double load_ms = clock_ms() - start_ms;

  GenerateOptions generating{.on_text = write_stdout, .hash_logits = false, .progress = &progress};
  if (options.json)
    generating = {
        .logprobs = options.logprobs.has_value(), .hash_logits = true, .progress = &progress};
  generating.save_to = options.text_file;
  Request request{.prompt = std::move(prompt),
                  .session = before,
                  .tokens_max = options.answer.tokens_max,
                  .tokens_min = options.answer.tokens_min,
                  .sampling = sampling,
                  .grammar = grammar,
                  .stop = options.answer.stop,
                  .top_logprobs = options.logprobs.value_or(0),
                  .speculation = session->speculation()};
  TROIKA_TRY(const std::vector<Generation> texts,
             write_texts(options, *session, std::move(request), generating));
  return report(options, texts, facts_of(*session, sampling, load_ms));
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
           "  troika run model.gguf -p Hello --choices 2 --best-of 6\n"
           "  troika run model.gguf -p \"Yes or no?\" --grammar 'root ::= \"yes\" | \"no\"'\n"
           "  troika run model.gguf -p Hello --spec-type none --json\n";
  }
  void declare(CLI::App& app) override {
    add_prompt_flags(app, options_.prompt);
    add_answer_flags(app, options_.answer);
    add_grammar_flags(app, options_.grammar);
    app.add_flag("--ignore-eos", options_.session.go_on_after_end,
                 "go on after a token that ends the text; to forbid it, use --logit-bias ID-inf");
    add_session_flags(app, options_.session);
    app.add_option("--choices", options_.choices_told,
                   "continuations to tell; each draws noise of its own from the seed")
        ->check(between(1, kChoicesMax))
        ->capture_default_str();
    app.add_option("--best-of", options_.best_of,
                   "continuations to write, of which those with the best mean log-probability of a "
                   "token are told [--choices]")
        ->check(between(1, kChoicesMax));
    add_parallel_flag(app, options_.parallel,
                      fmt::format("as many as are written, at most {}", kParallelMax));
    add_cache_flags(app, options_.session.cache);
    add_sharing_flags(app, options_.session.sharing);
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
    const ChoiceOptions choices = options_.choices();
    if (choices.best_of < choices.choices)
      return fail(ErrorCode::invalid_argument, "--best-of is {} and --choices {}, wanted no fewer",
                  choices.best_of, choices.choices);
    if (choices.best_of > 1 && !options_.text_file.empty())
      return fail(ErrorCode::invalid_argument,
                  "--session with several choices, wanted one text to go on with");
    const Result<SamplingOptions> sampling = resolve(options_.sampling);
    return sampling.ok() ? ok() : Status(sampling.error());
  }
  SessionOptions* session() override { return &options_.session; }
  Status run() override { return run_prompt(options_); }

 private:
  RunOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_run_command() {
  return std::make_unique<RunCommand>();
}

}  // namespace troika::cli
